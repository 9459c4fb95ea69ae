import { DatabaseError } from "../database/database.ts";
import { reasonOfDatabaseError } from "../database/database-fault.ts";
import { HomeserverUnreachable, isHomeserverError, MatrixError, type HomeserverError } from "../homeserver/errors.ts";
import { explainFileError } from "../observability/file-fault.ts";
import { reasonOfNetworkCode } from "../observability/network-fault.ts";
import { OperatorError } from "../observability/operator-error.ts";

/** The homeserver or the database refused, or was away, in the midst of a command. */
class CommandFailure extends OperatorError<"CommandFailure"> {
  override readonly name = "CommandFailure";
}

/** The reason why a command failed in words for the admin, where something outside it is the cause; else unchanged. */
export function explainFailure(error: unknown): unknown {
  if (isHomeserverError(error)) return new CommandFailure(ofHomeserver(error), { cause: error });
  if (error instanceof DatabaseError) {
    const reason = reasonOfDatabaseError(error);
    if (reason !== undefined) return new CommandFailure(`the database does not do it: ${reason}`, { cause: error });
  }
  return explainFileError(error);
}

function ofHomeserver(
  error: HomeserverError,
): `the homeserver ${"can't be reached: " | "refuses: " | "answers: "}${string}` {
  if (error instanceof HomeserverUnreachable) {
    return `the homeserver can't be reached: ${reasonOfNetworkCode(error.code) ?? error.code}`;
  }
  if (!(error instanceof MatrixError)) return `the homeserver answers: ${error.message}`;
  if (error.errcode === "M_UNKNOWN_TOKEN") {
    return "the homeserver refuses: it does not know the registration's as_token; give it the same file, and restart it";
  }
  return `the homeserver refuses: ${error.message}`;
}
