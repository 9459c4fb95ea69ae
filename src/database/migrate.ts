import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Logger } from "../observability/log.ts";
import { DatabaseError, type Database } from "./database.ts";

/** Any constant: it names the lock that keeps two processes from migrating at once. */
const MIGRATION_LOCK = 7_295_001;

const DIRECTORY = fileURLToPath(new URL("../../migrations/", import.meta.url));

/**
 * Brings the schema up to date: the numbered files of `migrations/`, forward only, each exactly once, all in one
 * transaction under an advisory lock. Throws {@link DatabaseError} when the database was written by a newer version.
 */
export async function migrate(database: Database, log: Logger): Promise<void> {
  const files = (await readdir(DIRECTORY)).filter((name) => /^\d{4}_\w+\.sql$/.test(name)).sort();
  const known = await Promise.all(
    files.map(async (name) => ({
      number: Number(name.slice(0, 4)),
      name,
      sql: await readFile(join(DIRECTORY, name), "utf8"),
    })),
  );

  const applied = await database.transaction(async (tx) => {
    await tx.query("select pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
    await tx.execute(`create table if not exists migrations (
      number integer primary key, name text not null, applied_at timestamptz not null default now())`);
    const done = await tx.query<{ number: number; name: string }>("select number, name from migrations");
    const numbers = new Set(done.rows.map((row) => row.number));
    const unknown = done.rows.find((row) => !known.some((migration) => migration.number === row.number));
    if (unknown !== undefined) {
      throw new DatabaseError(
        `the database has been used by a newer version of matrix-agents (its migration ${unknown.name} is not known here); run that version or a later one`,
        { code: undefined, retryable: false },
      );
    }
    const missing = known.filter((migration) => !numbers.has(migration.number));
    for (const migration of missing) {
      await tx.query("insert into migrations (number, name) values ($1, $2)", [migration.number, migration.name]);
      await tx.execute(migration.sql);
    }
    return missing.map((migration) => migration.name);
  });
  if (applied.length > 0) log.info({ migrations: applied }, "database schema brought up to date");
}
