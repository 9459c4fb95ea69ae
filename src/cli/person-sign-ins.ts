import { counted } from "../language/counted.ts";
import { endSignIns } from "../tools/sign-in/tool-sign-ins.ts";
import { atDatabase } from "./at-database.ts";
import { operator } from "./operator.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Signs people out of tool servers. Returns 0, or 1 where nobody of the named was signed in. Throws UsageError, ConfigError,
 * and the error of opening the database.
 *
 * @param args the user, and perhaps the server; or `all`.
 */
export function signPeopleOut(file: string, args: readonly string[]): Promise<number> {
  const [user = "", server, ...more] = args;
  if (more.length > 0 || (user !== "all" && !/^@.+:/.test(user)))
    throw new UsageError(
      "name a user by the whole id, or all, and perhaps a server: matrix-agents tools sign-out USER [SERVER]",
    );
  return atDatabase(file, async ({ database }) => {
    const selection = { ...(user === "all" ? {} : { userId: user }), ...(server === undefined ? {} : { server }) };
    const count = await endSignIns(database, selection, operator());
    if (count === 0 && user !== "all") {
      process.stderr.write("matrix-agents: this user is not signed in there\n");
      return 1;
    }
    process.stdout.write(`${counted(count, "sign-in", "sign-ins")} ended\n`);
    return 0;
  });
}
