import { counted } from "../language/counted.ts";
import { MasterKey, MasterKeyError } from "../sealing/master-key.ts";
import { Seals } from "../sealing/seals.ts";
import { hasSignIn, type SignInServer } from "../tools/sign-in/authorization-server.ts";
import { revokeDropped } from "../tools/sign-in/dropped-tokens.ts";
import { endSignIns, type EndedSignIns } from "../tools/sign-in/tool-sign-ins.ts";
import { atDatabase, type AtDatabase } from "./at-database.ts";
import { operator } from "./operator.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Signs people out of tool servers, and has the authorisation servers end their tokens, as far as these can be opened and
 * the servers reached. Returns 0, or 1 where nobody of the named was signed in. Throws UsageError, ConfigError,
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
  return atDatabase(file, async ({ database, config, log }) => {
    const selection = { ...(user === "all" ? {} : { userId: user }), ...(server === undefined ? {} : { server }) };
    const { count, tokens } = await endSignIns(database, selection, operator());
    if (count === 0 && user !== "all") {
      process.stderr.write("matrix-agents: this user is not signed in there\n");
      return 1;
    }
    process.stdout.write(`${counted(count, "sign-in", "sign-ins")} ended\n`);
    // They are forgotten already. Without the master key, nobody can read them.
    const left = await revoke({ database, config, log }, tokens).catch((error: unknown) => {
      if (error instanceof MasterKeyError) return count;
      throw error;
    });
    if (left > 0)
      process.stdout.write(`${counted(left, "token was", "tokens were")} not revoked at the authorisation server\n`);
    return 0;
  });
}

/** Returns the number of those that were not revoked. */
async function revoke({ database, config, log }: AtDatabase, tokens: EndedSignIns["tokens"]): Promise<number> {
  const dropped = await tokens(
    async () => new Seals(database, await MasterKey.open(config.encryption.masterKey, database), log),
  );
  const server = (name: string): SignInServer | undefined => {
    const found = config.tools.get(name);
    return found !== undefined && hasSignIn(found) ? found : undefined;
  };
  return revokeDropped(dropped, { server, log });
}
