import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import type { Database } from "./database.ts";
import { openEmbedded } from "./embedded.ts";
import { migrate } from "./migrate.ts";
import { openPostgres } from "./postgres.ts";
import { claimDirectory } from "./sole-user.ts";

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

/** Opens and migrates the database. Throws DatabaseInUse (the embedded one takes one process) or DatabaseError. */
export async function openDatabase(location: DatabaseLocation, log: Logger): Promise<Database> {
  const database = await openAsItIs(location, log);
  try {
    await migrate(database, log);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Opens the database with its present schema. Throws DatabaseInUse or DatabaseError. */
export async function openAsItIs(location: DatabaseLocation, log: Logger): Promise<Database> {
  return location.kind === "postgres" ? openPostgres(location.url, log) : await openDirectory(location.dataDir);
}

async function openDirectory(dataDir: string): Promise<Database> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const claim = await claimDirectory(dataDir);
  try {
    const database = await openEmbedded(join(dataDir, "database"));
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
