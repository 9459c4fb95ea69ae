import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { loadRegistration } from "../config/registration.ts";
import type { Database } from "../database/database.ts";
import { locationOf, openDatabase } from "../database/open.ts";
import { createHomeserverClient, type HomeserverClient } from "../homeserver/client.ts";
import { createLogger, type Logger } from "../observability/log.ts";
import { explainStartFailure } from "./start-failure.ts";

/** What a command that works on the database has to hand. */
export interface AtDatabase {
  readonly config: Config;
  readonly database: Database;
  /** Tells of what goes wrong alone: a command prints. */
  readonly log: Logger;
}

/** The same, for one that asks the homeserver too. */
export interface AtHomeserver extends AtDatabase {
  readonly client: HomeserverClient;
}

/**
 * Does a command's work with the database open, and closes it. With PostgreSQL that is beside a running bridge; the embedded
 * database is one process's, so the bridge has to be stopped first. Throws ConfigError, what keeps the database from being
 * opened, and what `work` throws.
 *
 * @param file the configuration.
 */
export async function atDatabase<T>(file: string, work: (at: AtDatabase) => Promise<T>): Promise<T> {
  return withDatabase(await loadConfig(file), work);
}

/** As {@link atDatabase}, with the homeserver to ask; the registration has to be there. */
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
  const database = await openDatabase(locationOf(config), log).catch((error: unknown) => {
    throw explainStartFailure(error, config);
  });
  try {
    return await work({ config, database, log });
  } finally {
    await database.close();
  }
}
