import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { loadRegistration } from "../config/registration.ts";
import { DatabaseError, type Database } from "../database/database.ts";
import { locationOf, openForCommand, type CommandUse } from "../database/open.ts";
import { createHomeserverClient, type HomeserverClient } from "../homeserver/client.ts";
import { createLogger, silentLogger, type Logger } from "../observability/log.ts";
import { explainStartFailure } from "./start-failure.ts";

/** The things that a command on the database works with. */
export interface AtDatabase {
  readonly config: Config;
  readonly database: Database;
  /** Logs failures only: a command prints its results. */
  readonly log: Logger;
}

/** The same for a command that also asks the homeserver. */
export interface AtHomeserver extends AtDatabase {
  readonly client: HomeserverClient;
}

/**
 * Runs a command with the database open, and closes it afterwards. It works beside a running bridge: the embedded database is
 * then the bridge's, asked over its socket. Throws ConfigError, the error of opening the database, and the error of `work`.
 *
 * @param file the configuration.
 */
export async function atDatabase<T>(file: string, work: (at: AtDatabase) => Promise<T>): Promise<T> {
  return withDatabase(await loadConfig(file), work);
}

/**
 * As {@link atDatabase}, with access to the homeserver; the registration must exist.
 *
 * @param use.alone whether a bridge that runs on the embedded database has to be stopped first.
 */
export async function atHomeserver<T>(
  file: string,
  work: (at: AtHomeserver) => Promise<T>,
  use: Pick<CommandUse, "alone"> = {},
): Promise<T> {
  const config = await loadConfig(file);
  const { asToken } = await loadRegistration(config);
  return withDatabase(
    config,
    async (at) => {
      const client = createHomeserverClient({
        url: config.homeserver.url,
        ca: config.homeserver.ca,
        asToken,
        log: at.log,
      });
      try {
        return await work({ ...at, client });
      } finally {
        await client.close();
      }
    },
    use,
  );
}

async function withDatabase<T>(
  config: Config,
  work: (at: AtDatabase) => Promise<T>,
  use: Pick<CommandUse, "alone"> = {},
): Promise<T> {
  const log = createLogger("warn", "auto");
  const database = await openTelling(config, use).catch((error: unknown) => {
    throw explainStartFailure(error, config);
  });
  try {
    return await work({ config, database, log });
  } catch (error) {
    // The database went away meanwhile. Any other failure of a statement is a fault of ours, and shows its place.
    throw error instanceof DatabaseError && error.retryable ? explainStartFailure(error, config) : error;
  } finally {
    await database.close();
  }
}

/** Opens the database for a command, and says on standard error when it waits for the bridge. Throws the error of opening it. */
export function openTelling(config: Config, use: Pick<CommandUse, "alone"> = {}): Promise<Database> {
  const waits: CommandUse["waits"] = ({ pid }) => {
    process.stderr.write(`matrix-agents: waiting for the bridge (pid ${pid}), which is starting or stopping\n`);
  };
  // The command itself says that its database is away.
  return openForCommand(locationOf(config), silentLogger(), { ...use, waits });
}
