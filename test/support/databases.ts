import { join } from "node:path";
import { after, beforeEach, describe } from "node:test";
import type { Database } from "../../src/database/database.ts";
import { openEmbedded } from "../../src/database/embedded.ts";
import { migrate } from "../../src/database/migrate.ts";
import { openPostgres } from "../../src/database/postgres.ts";
import { silentLogger, type Logger } from "../../src/observability/log.ts";
import { layEmbedded } from "./embedded.ts";
import { createDatabase } from "./postgres.ts";
import { makeSeals } from "./seals.ts";
import { sharedPostgresUrl } from "./services.ts";
import { temporaryDirectory } from "./temporary.ts";

export interface OpenOptions {
  /** Whether the schema is brought up to date. Default true. */
  readonly migrated?: boolean;
}

/**
 * Describes a suite twice, once for PostgreSQL and once for the embedded database. `open` makes a fresh, empty
 * database; all are closed after the suite.
 */
export function forEachDatabase(
  suite: (kind: Database["kind"], open: (options?: OpenOptions) => Promise<Database>) => void,
): void {
  for (const kind of ["postgres", "embedded"] as const) {
    describe(`on ${kind}`, () => {
      const opened = new Set<Database>();
      let free: Database[] = [];
      // Opening an embedded database takes a second, emptying one a fraction of it.
      beforeEach(() => {
        free = kind === "embedded" ? [...opened] : [];
      });
      after(async () => {
        for (const database of opened) await database.close();
      });
      suite(kind, async ({ migrated = true } = {}) => {
        const log = silentLogger();
        const database =
          (await emptied(free, opened)) ?? (await (kind === "postgres" ? freshPostgres(log) : freshEmbedded()));
        opened.add(database);
        if (migrated) {
          await migrate(database, log);
          await makeSeals(database);
        }
        return database;
      });
    });
  }
}

/** One of those that no test uses any more, empty again; a test may have closed it. */
async function emptied(free: Database[], opened: Set<Database>): Promise<Database | undefined> {
  for (let database = free.pop(); database !== undefined; database = free.pop()) {
    const isEmpty = await empty(database).catch(() => false);
    if (isEmpty) return database;
    opened.delete(database);
    await database.close().catch(() => undefined);
  }
  return undefined;
}

async function empty(database: Database): Promise<boolean> {
  await database.query("drop schema public cascade");
  await database.query("create schema public");
  return true;
}

async function freshPostgres(log: Logger): Promise<Database> {
  return openPostgres(await createDatabase(sharedPostgresUrl()), log);
}

async function freshEmbedded(): Promise<Database> {
  const directory = join(await temporaryDirectory("embedded"), "database");
  await layEmbedded(directory);
  return openEmbedded(directory);
}
