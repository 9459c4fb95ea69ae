import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../observability/log.ts";
import type { Database } from "./database.ts";
import { openEmbedded } from "./embedded.ts";
import { migrate } from "./migrate.ts";
import { openPostgres } from "./postgres.ts";
import { claimDirectory, claimPostgres, type SoleUse } from "./sole-user.ts";

/** Where the state is kept. */
export type DatabaseLocation =
  | { readonly kind: "postgres"; readonly url: string }
  /** PGlite in `<dataDir>/database`. */
  | { readonly kind: "embedded"; readonly dataDir: string };

/** An open, migrated database that no other bridge uses. */
export interface OpenDatabase {
  readonly database: Database;
  /** Resolves with the reason when exclusive use was lost; the process must stop writing at once. */
  readonly lost: Promise<Error>;
  close(): Promise<void>;
}

/** Claims, opens and migrates the database. Throws DatabaseInUse or DatabaseError. */
export async function openDatabase(location: DatabaseLocation, log: Logger): Promise<OpenDatabase> {
  if (location.kind === "embedded") await mkdir(location.dataDir, { recursive: true, mode: 0o700 });
  const claim: SoleUse =
    location.kind === "postgres" ? await claimPostgres(location.url, log) : await claimDirectory(location.dataDir);
  let database: Database | undefined;
  try {
    database =
      location.kind === "postgres"
        ? openPostgres(location.url, log)
        : await openEmbedded(join(location.dataDir, "database"));
    await migrate(database, log);
  } catch (error) {
    await database?.close();
    await claim.release();
    throw error;
  }
  const opened = database;
  return {
    database: opened,
    lost: claim.lost,
    async close() {
      await opened.close();
      await claim.release();
    },
  };
}
