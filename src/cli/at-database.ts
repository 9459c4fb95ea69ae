import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { loadRegistration } from "../config/registration.ts";
import type { Database } from "../database/database.ts";
import { locationOf, openForCommand } from "../database/open.ts";
import { createHomeserverClient, type HomeserverClient } from "../homeserver/client.ts";
import { createLogger, type Logger } from "../observability/log.ts";
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
 * Runs a command with the database open, and closes it afterwards. PostgreSQL allows this beside a running bridge. The
 * embedded database belongs to one process, so the bridge must be stopped first. Throws ConfigError, the error of
 * opening the database, and the error of `work`.
 *
 * @param file the configuration.
 */
export async function atDatabase<T>(file: string, work: (at: AtDatabase) => Promise<T>): Promise<T> {
  return withDatabase(await loadConfig(file), work);
}

/** As {@link atDatabase}, with access to the homeserver; the registration must exist. */
export async function atHomeserver<T>(file: string, work: (at: AtHomeserver) => Promise<T>): Promise<T> {
  const config = await loadConfig(file);
  const { asToken } = await loadRegistration(config);
  return withDatabase(config, async (at) => {
    const client = createHomeserverClient({ url: config.homeserver.url, asToken, log: at.log });
    try {
      return await work({ ...at, client });
    } finally {
      await client.close();
    }
  });
}

async function withDatabase<T>(config: Config, work: (at: AtDatabase) => Promise<T>): Promise<T> {
  const log = createLogger("warn", "auto");
  const database = await openForCommand(locationOf(config), log).catch((error: unknown) => {
    throw explainStartFailure(error, config);
  });
  try {
    return await work({ config, database, log });
  } finally {
    await database.close();
  }
}
