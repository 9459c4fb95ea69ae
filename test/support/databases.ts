import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, beforeEach, describe } from "node:test";
import type { Database } from "../../src/database/database.ts";
import { openEmbedded } from "../../src/database/embedded.ts";
import { migrate } from "../../src/database/migrate.ts";
import { openPostgres } from "../../src/database/postgres.ts";
import { silentLogger } from "../../src/observability/log.ts";
import { layEmbedded } from "./embedded.ts";
import { createDatabase } from "./postgres.ts";
import { makeSeals } from "./seals.ts";
import { migratedTemplate, sharedPostgresUrl } from "./services.ts";
import { temporaryDirectory } from "./temporary.ts";

export interface OpenOptions {
  /** Whether the schema is brought up to date. Default true. */
  readonly migrated?: boolean;
  /** Whether it has a master key, and so rows of its own. Default: when it is migrated. */
  readonly sealed?: boolean;
}

/**
 * Describes a suite twice, for PostgreSQL and for the embedded database. `open` gives an empty database, another one at
 * every call of a test; all are closed after the suite.
 */
export function forEachDatabase(
  suite: (kind: Database["kind"], open: (options?: OpenOptions) => Promise<Database>) => void,
): void {
  for (const kind of ["postgres", "embedded"] as const) {
    describe(`on ${kind}`, () => {
      const opened = new Map<Database, Schema>();
      let free: Database[] = [];
      // They are large: those of all suites together would fill a small disk.
      const folders: string[] = [];
      // Emptying a database takes a hundredth of the time of making one.
      beforeEach(() => {
        free = [...opened.keys()];
      });
      after(async () => {
        for (const database of opened.keys()) await database.close();
        await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
      });
      suite(kind, async ({ migrated = true, sealed = migrated } = {}) => {
        const database =
          (await emptied(free, opened)) ??
          (await (kind === "postgres" ? freshPostgres(migrated) : freshEmbedded(folders)));
        if (!migrated) await dropSchema(database);
        const schema = migrated ? (opened.get(database) ?? (await makeSchema(database))) : "unknown";
        opened.set(database, schema);
        if (sealed) await makeSeals(database);
        return database;
      });
    });
  }
}

/** What {@link schemaOf} says of a database that is migrated. */
type Schema = string;

/** A database that no test uses any more, migrated and empty again; a test may have closed it. */
async function emptied(free: Database[], opened: Map<Database, Schema>): Promise<Database | undefined> {
  for (let database = free.pop(); database !== undefined; database = free.pop()) {
    try {
      opened.set(database, await empty(database, opened.get(database)));
      return database;
    } catch {
      opened.delete(database);
      await database.close().catch(() => undefined);
    }
  }
  return undefined;
}

/** Deletes all rows except those of the migrations, and restores a schema that a test has changed. */
async function empty(database: Database, migrated: Schema | undefined): Promise<Schema> {
  if (database.kind === "postgres") await endOthers(database);
  if (migrated !== undefined && migrated === (await schemaOf(database))) {
    await database.transaction((tx) => tx.execute(EMPTY_ALL_TABLES));
    return migrated;
  }
  await dropSchema(database);
  return makeSchema(database);
}

/** Migrates, and keeps the rows that migrations insert. */
async function makeSchema(database: Database): Promise<Schema> {
  await migrate(database, silentLogger());
  await database.execute(KEEP_FIRST_ROWS);
  return schemaOf(database);
}

/** A table without a first page in its file never had a row: asking for its size is cheaper than looking for rows. */
const HAD_ROWS = `select relname from pg_class
      where relnamespace = 'public'::regnamespace and relkind = 'r' and pg_relation_size(oid) > 0`;

const KEEP_FIRST_ROWS = `do $$
  declare
    name text;
    has_rows boolean;
  begin
    drop schema if exists as_migrated cascade;
    create schema as_migrated;
    for name in ${HAD_ROWS} loop
      execute format('select exists (select from %I)', name) into has_rows;
      if has_rows then execute format('create table as_migrated.%I as table %I', name, name); end if;
    end loop;
  end
$$`;

/** For a few rows much cheaper than `truncate`, which makes new files for all tables. Numbers start at 1 again. */
const EMPTY_ALL_TABLES = `do $$
  declare name text;
  begin
    -- Rows go in any order, whatever refers to them and whatever guards them.
    set local session_replication_role = replica;
    for name in ${HAD_ROWS} loop
      execute format('delete from %I', name);
    end loop;
    for name in select tablename from pg_tables where schemaname = 'as_migrated' loop
      execute format('insert into %I table as_migrated.%I', name, name);
    end loop;
    perform setval(format('%I', sequencename)::regclass, start_value, false)
      from pg_sequences where schemaname = 'public' and last_value is not null;
  end
$$`;

/** Ends connections that an earlier test left in a transaction or with a lock; idle ones of the pool stay. */
async function endOthers(database: Database): Promise<void> {
  await database.query(`select pg_terminate_backend(pid, 5000) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
      and (state <> 'idle' or pid in (select pid from pg_locks where locktype = 'advisory'))`);
}

async function dropSchema(database: Database): Promise<void> {
  await database.query("drop schema public cascade");
  await database.query("create schema public");
}

/** All tables with their columns, indexes among them, their triggers, and the migrations that made them. */
async function schemaOf(database: Database): Promise<Schema> {
  const { rows } = await database.query<{ schema: Schema | null }>(`
    select string_agg(part, e'\\n' order by part) as schema from (
      select concat_ws(' ', relname, relkind, attname, atttypid, attnotnull) as part
      from pg_class join pg_attribute on attrelid = pg_class.oid
      where relnamespace = to_regnamespace('public') and attnum > 0
      union all select concat_ws(' ', tgname, tgenabled) from pg_trigger
      union all select concat_ws(' ', to_jsonb(migrations) - 'applied_at') from migrations)`);
  return rows[0]?.schema ?? "";
}

async function freshPostgres(migrated: boolean): Promise<Database> {
  const template = migrated ? migratedTemplate() : undefined;
  return openPostgres(await createDatabase(sharedPostgresUrl(), template), silentLogger());
}

async function freshEmbedded(folders: string[]): Promise<Database> {
  const folder = await temporaryDirectory("embedded");
  folders.push(folder);
  const directory = join(folder, "database");
  await layEmbedded(directory);
  return openEmbedded(directory);
}
