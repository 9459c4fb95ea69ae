import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "../../src/database/database.ts";
import { openEmbedded } from "../../src/database/embedded.ts";
import { migrate } from "../../src/database/migrate.ts";
import { openPostgres } from "../../src/database/postgres.ts";
import { silentLogger } from "../../src/observability/log.ts";
import { createDatabase, startPostgres } from "./postgres.ts";

/** Where a database is, in a form that can be handed to another process. */
export type Place =
  { readonly kind: "embedded"; readonly directory: string } | { readonly kind: "postgres"; readonly url: string };

/** A fresh place for one test file, of either kind. */
export interface TestPlace {
  readonly place: Place;
  remove(): Promise<void>;
}

/** The kinds of database that every test of the store runs on. */
export const databaseKinds = ["embedded", "postgres"] as const;

/** Makes an empty place. PostgreSQL is a database of the server at `TEST_POSTGRES_ADMIN_URL`, else a server of its own. */
export async function freshPlace(kind: Place["kind"]): Promise<TestPlace> {
  if (kind === "embedded") {
    const directory = await mkdtemp(join(tmpdir(), "crypto-store-"));
    return { place: { kind, directory }, remove: () => rm(directory, { recursive: true }) };
  }
  const adminUrl = process.env["TEST_POSTGRES_ADMIN_URL"];
  if (adminUrl !== undefined) {
    return { place: { kind, url: await createDatabase(adminUrl) }, remove: () => Promise.resolve() };
  }
  const server = await startPostgres();
  return { place: { kind, url: await server.createDatabase() }, remove: () => server.stop() };
}

/** Opens the database at a place, migrated. */
export async function openPlace(place: Place): Promise<Database> {
  const database =
    place.kind === "embedded" ? await openEmbedded(place.directory) : openPostgres(place.url, silentLogger());
  await migrate(database, silentLogger());
  return database;
}
