import { join } from "node:path";
import { after, describe } from "node:test";
import type { Database } from "../../src/database/database.ts";
import { openEmbedded } from "../../src/database/embedded.ts";
import { migrate } from "../../src/database/migrate.ts";
import { openPostgres } from "../../src/database/postgres.ts";
import { silentLogger, type Logger } from "../../src/observability/log.ts";
import { layEmbedded } from "./embedded.ts";
import { createDatabase } from "./postgres.ts";
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
      const opened: Database[] = [];
      after(async () => {
        for (const database of opened) await database.close();
      });
      suite(kind, async ({ migrated = true } = {}) => {
        const log = silentLogger();
        const database = await (kind === "postgres" ? freshPostgres(log) : freshEmbedded());
        opened.push(database);
        if (migrated) await migrate(database, log);
        return database;
      });
    });
  }
}

async function freshPostgres(log: Logger): Promise<Database> {
  return openPostgres(await createDatabase(sharedPostgresUrl()), log);
}

async function freshEmbedded(): Promise<Database> {
  const directory = join(await temporaryDirectory("embedded"), "database");
  await layEmbedded(directory);
  return openEmbedded(directory);
}
