import { after, describe } from "node:test";
import type { Database } from "../../src/database/database.ts";
import { openEmbedded } from "../../src/database/embedded.ts";
import { migrate } from "../../src/database/migrate.ts";
import { openPostgres } from "../../src/database/postgres.ts";
import { silentLogger } from "../../src/observability/log.ts";
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
        const database =
          kind === "postgres"
            ? openPostgres(await createDatabase(sharedPostgresUrl()), log)
            : await openEmbedded(await temporaryDirectory("embedded"));
        opened.push(database);
        if (migrated) await migrate(database, log);
        return database;
      });
    });
  }
}
