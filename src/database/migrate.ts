import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Logger } from "../observability/log.ts";
import { databaseRefusal, NO_DATABASE, type Database, type Queryable } from "./database.ts";
import { refuseDuringRestore } from "./restore-lock.ts";

/** Any constant: it names the lock that excludes a second migration. */
const MIGRATION_LOCK = 7_295_001;

const DIRECTORY = fileURLToPath(new URL("../../migrations/", import.meta.url));

/**
 * The first line of a migration that earlier versions can work with: it only adds things that they neither read nor
 * have to write. Every other migration is breaking.
 */
const COMPATIBLE = "-- compatible: yes";

/** A numbered file of `migrations/`. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  /** Whether versions that do not know it must stop using the database. */
  readonly isBreaking: boolean;
}

/** The migrations that this version knows, in order. */
export async function knownMigrations(): Promise<Migration[]> {
  const files = (await readdir(DIRECTORY)).filter((name) => /^\d{4}_\w+\.sql$/.test(name)).sort();
  return Promise.all(
    files.map(async (name) => {
      const sql = await readFile(join(DIRECTORY, name), "utf8");
      const isBreaking = sql.split(/\r?\n/, 1)[0] !== COMPATIBLE;
      return { number: Number(name.slice(0, 4)), name, sql, isBreaking };
    }),
  );
}

/** The outcome of a migration: the names of the applied migrations, and of those that this version does not know. */
export interface Migrated {
  readonly applied: readonly string[];
  readonly newer: readonly string[];
}

/**
 * Updates the schema: applies the numbered files of `migrations/`, forward only, each exactly once, all in one
 * transaction under an advisory lock. The additions of a newer version stay. Throws {@link DatabaseError} when a newer
 * version has changed something that this one would use, when this one would change something that a running process
 * uses, and while a backup is being restored.
 *
 * @param options.known by default all.
 */
export async function migrate(
  database: Database,
  log: Logger,
  { known: given }: { readonly known?: readonly Migration[] } = {},
): Promise<void> {
  const known = given ?? (await knownMigrations());
  const migrated = await database.transaction(async (tx) => {
    await refuseDuringRestore(tx, "transaction");
    return migrateIn(tx, known);
  });
  tellOf(migrated, log);
}

/**
 * {@link migrate} in the caller's transaction; pass the result to {@link tellOf} after the transaction has succeeded.
 */
export async function migrateIn(tx: Queryable, known: readonly Migration[]): Promise<Migrated> {
  await tx.query("select pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
  await tx.execute(`create table if not exists migrations (
    number integer primary key, name text not null, applied_at timestamptz not null default now())`);
  // The index is created only where it is missing, because creating it would wait for every reader of the table.
  const { count } = await tx.query(
    `select from pg_attribute where attrelid = 'migrations'::regclass and attname = 'breaking'`,
  );
  if (count === 0) await tx.execute("alter table migrations add column breaking boolean not null default true");

  const done = await appliedMigrations(tx);
  const numbers = new Set(done.map(({ number }) => number));
  const newer = refuseNewer(done, known);
  const missing = known.filter((migration) => !numbers.has(migration.number));
  await refuseWhileUsed(tx, missing);
  // A large table may take longer than the time limit for ordinary statements.
  if (missing.length > 0) await tx.execute("set local statement_timeout = 0");
  for (const { number, name, sql, isBreaking } of missing) {
    await tx.query("insert into migrations (number, name, breaking) values ($1, $2, $3)", [number, name, isBreaking]);
    await tx.execute(sql);
  }
  return { applied: missing.map(({ name }) => name), newer };
}

/**
 * For a command, which changes no schema. Throws {@link DatabaseError}, in words for the admin, when the database is
 * not of this version, and while a backup is being restored. Additions of a newer version are no obstacle.
 */
export async function refuseOtherVersion(database: Database): Promise<void> {
  const known = await knownMigrations();
  await database.transaction(async (tx) => {
    await refuseDuringRestore(tx, "transaction");
    const { rows } = await tx.query<{ isMade: boolean }>(`select to_regclass('migrations') is not null as "isMade"`);
    if (rows[0]?.isMade !== true) {
      throw databaseRefusal("there is no database in this place yet: the first start makes its tables", {
        code: NO_DATABASE,
      });
    }
    const applied = await appliedMigrations(tx);
    refuseNewer(applied, known);
    const missing = known.filter(({ number }) => !applied.some((one) => one.number === number));
    if (missing.length === 0) return;
    throw databaseRefusal(
      `the database is of an earlier version of matrix-agents (without ${missing[0]?.name ?? "a change"}): start this version once, which brings it up to date`,
    );
  });
}

/** Refuses a database that a newer version has changed, and returns the names of what one has only added. */
function refuseNewer(applied: readonly AppliedMigration[], known: readonly Migration[]): readonly string[] {
  const unknown = applied.filter(({ number }) => !known.some((migration) => migration.number === number));
  const breaking = unknown.find(({ isBreaking }) => isBreaking);
  if (breaking === undefined) return unknown.map(({ name }) => name);
  throw databaseRefusal(
    `the database has been used by a newer version of matrix-agents, which has changed it in a way that this one does not understand (migration ${breaking.name}); run that version or a later one, or restore a backup from before`,
  );
}

/** An applied migration. */
export type AppliedMigration = Omit<Migration, "sql">;

/** The applied migrations of a database, in order, including those of newer versions. Throws DatabaseError. */
export async function appliedMigrations(database: Queryable): Promise<AppliedMigration[]> {
  // Versions before this column recorded only breaking migrations.
  const { rows } = await database.query<{ number: number; name: string; breaking: boolean }>(
    `select number, name, coalesce((to_json(migrations) ->> 'breaking')::boolean, true) as breaking
     from migrations order by number`,
  );
  return rows.map(({ number, name, breaking: isBreaking }) => ({ number, name, isBreaking }));
}

/** Logs the result of {@link migrateIn}. */
export function tellOf({ applied, newer }: Migrated, log: Logger): void {
  if (applied.length > 0) log.info({ migrations: applied }, "database schema updated");
  if (newer.length > 0)
    log.warn({ migrations: newer }, "a newer version has added to the database; its additions are kept");
}

/** Refuses while a process of an earlier version runs, which does not know these changes. */
async function refuseWhileUsed(tx: Queryable, missing: readonly Migration[]): Promise<void> {
  const breaking = missing.find(({ isBreaking }) => isBreaking);
  if (breaking === undefined) return;
  const { count: known } = await tx.query("select where to_regprocedure('process_lives(integer)') is not null");
  if (known === 0) return;
  const { count } = await tx.query("select from processes where process_lives(number)");
  if (count === 0) return;
  throw databaseRefusal(
    `this version changes the database in a way that the bridges which run on it do not understand (migration ${breaking.name}); stop the other processes first`,
  );
}
