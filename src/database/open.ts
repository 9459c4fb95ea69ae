import { mkdir } from "node:fs/promises";
import type { Config } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import { databaseRefusal, NO_DATABASE, type Database } from "./database.ts";
import { openEmbedded } from "./embedded.ts";
import { embeddedFolder, hasEmbedded, refuseForeignFolder } from "./embedded-folder.ts";
import { migrate, refuseOtherVersion } from "./migrate.ts";
import { openPostgres } from "./postgres.ts";
import { claimDirectory, type UserKind } from "./sole-user.ts";

/** The place of the database. */
export type DatabaseLocation =
  | { readonly kind: "postgres"; readonly url: string }
  /** PGlite in `<dataDir>/database`. */
  | { readonly kind: "embedded"; readonly dataDir: string };

/** The place of a configuration's database. */
export function locationOf(config: Pick<Config, "database" | "dataDir">): DatabaseLocation {
  return config.database === undefined
    ? { kind: "embedded", dataDir: config.dataDir }
    : { kind: "postgres", url: config.database.url };
}

/**
 * Opens the bridge's database: makes it where there is none, and updates its schema. Throws DatabaseInUse (the embedded
 * one takes one process), DatabaseError, or the file system's error.
 */
export async function openDatabase(location: DatabaseLocation, log: Logger): Promise<Database> {
  return afterwards(await openAs("bridge", location, log), (database) => migrate(database, log));
}

/**
 * Opens the bridge's database for a command, which neither makes one nor changes its schema: both are the start's. Throws
 * as {@link openDatabase}.
 */
export async function openForCommand(location: DatabaseLocation, log: Logger): Promise<Database> {
  if (location.kind === "embedded" && !(await hasEmbedded(location.dataDir))) {
    throw databaseRefusal(
      `there is no database in ${location.dataDir} yet: the first start of the bridge makes it`,
      NO_DATABASE,
    );
  }
  return afterwards(await openAs("command", location, log), refuseOtherVersion);
}

/** Opens the database with its present schema, or without any. Throws as {@link openDatabase}. */
export async function openAsItIs(location: DatabaseLocation, log: Logger): Promise<Database> {
  return openAs("command", location, log);
}

async function afterwards(database: Database, work: (database: Database) => Promise<void>): Promise<Database> {
  try {
    await work(database);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function openAs(kind: UserKind, location: DatabaseLocation, log: Logger): Promise<Database> {
  return location.kind === "postgres" ? openPostgres(location.url, log) : openDirectory(location.dataDir, kind, log);
}

async function openDirectory(dataDir: string, kind: UserKind, log: Logger): Promise<Database> {
  await refuseForeignFolder(dataDir);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const claim = await claimDirectory(dataDir, kind, ({ pid, kind: by }) => {
    log.info({ pid, by }, "another process is using the database; waiting for it");
  });
  try {
    const database = await openEmbedded(embeddedFolder(dataDir));
    return {
      ...database,
      async close() {
        await database.close();
        await claim.release();
      },
    };
  } catch (error) {
    await claim.release();
    throw error;
  }
}
