import { DatabaseError } from "../database/database.ts";
import { reasonOfDatabaseError } from "../database/database-fault.ts";
import { reasonOfHomeserverError } from "../homeserver/error-words.ts";
import { isHomeserverError } from "../homeserver/errors.ts";
import { explainFileError } from "../observability/file-fault.ts";
import { OperatorError } from "../observability/operator-error.ts";

/** The homeserver or the database refused, or was away, in the midst of a command. */
class CommandFailure extends OperatorError<"CommandFailure"> {
  override readonly name = "CommandFailure";
}

/** The reason why a command failed in words for the admin, where something outside it is the cause; else unchanged. */
export function explainFailure(error: unknown): unknown {
  if (isHomeserverError(error)) {
    const reason = reasonOfHomeserverError(error);
    const isRefusal = reason.startsWith("the homeserver refuses: ");
    return new CommandFailure(isRefusal ? reason : `${reason}; matrix-agents doctor looks closer`, { cause: error });
  }
  if (error instanceof DatabaseError) {
    const reason = reasonOfDatabaseError(error);
    if (reason !== undefined) {
      const mend = error.mend === undefined ? "" : `; ${error.mend}`;
      return new CommandFailure(`the database does not do it: ${reason}${mend}`, { cause: error });
    }
  }
  return explainFileError(error);
}
