import type { Config } from "../config/config.ts";
import { DatabaseError } from "../database/database.ts";
import { reasonOfDatabaseError } from "../database/database-fault.ts";
import { OperatorError } from "../observability/operator-error.ts";

/** The bridge could not start, for an external reason. */
export class StartFailure extends OperatorError<"StartFailure"> {
  override readonly name = "StartFailure";
}

/** The cause of a failed start, in words where the admin can mend it, else unchanged. */
export function explainStartFailure(error: unknown, config: Config): unknown {
  if (error instanceof DatabaseError) {
    const reason = reasonOfDatabaseError(error) ?? error.message;
    const isPlaceTold = config.database !== undefined || reason.includes(config.dataDir);
    const place = isPlaceTold ? "the database" : `the embedded database in ${config.dataDir}`;
    const mend = error.mend === undefined ? "" : `; ${error.mend}`;
    return new StartFailure(`${place} can't be used: ${reason}${mend}`, { cause: error });
  }
  const { bind, port } = config.appservice;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "EADDRINUSE":
      return new StartFailure(
        `appservice.port: another program listens on port ${port} of ${bind} already; stop it, or choose another port and change the registration's url to it`,
        { cause: error },
      );
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new StartFailure(`appservice.bind: this machine has no address ${bind}`, { cause: error });
    case "EACCES":
      return error instanceof Error && "syscall" in error && error.syscall === "listen"
        ? new StartFailure(`appservice.port: this user may not listen on port ${port}`, { cause: error })
        : error;
    default:
      return error;
  }
}
