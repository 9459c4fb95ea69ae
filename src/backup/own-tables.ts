import type { Queryable } from "../database/database.ts";
import type { Migration } from "../database/migrate.ts";
import { quoted } from "./tables.ts";

/** The names of all tables that the migrations make, or once made. A database may hold other tables beside them. */
export function ownTables(migrations: readonly Migration[]): Set<string> {
  return namesIn(migrations, /^create table (?:if not exists )?(\w+)|\brename to (\w+)/gim).add("migrations");
}

/** Drops everything that the migrations made, in the caller's transaction. Throws DatabaseError. */
export async function dropOwn(tx: Queryable, migrations: readonly Migration[]): Promise<void> {
  for (const name of ownTables(migrations)) await tx.execute(`drop table if exists ${quoted(name)} cascade`);
  const functions = namesIn(migrations, /^create (?:or replace )?function (\w+)/gim);
  // One name may stand for several functions.
  const { rows } = await tx.query<{ signature: string }>(
    `select oid::regprocedure::text as signature from pg_proc
     where pronamespace = current_schema()::regnamespace and proname = any($1::text[])`,
    [[...functions]],
  );
  for (const { signature } of rows) await tx.execute(`drop function if exists ${signature} cascade`);
}

function namesIn(migrations: readonly Migration[], pattern: RegExp): Set<string> {
  const matches = migrations.flatMap(({ sql }) => [...sql.matchAll(pattern)]);
  return new Set(matches.flatMap(([, ...names]) => names.filter(Boolean)));
}
