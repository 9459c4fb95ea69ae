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
  for (const name of functions) await tx.execute(`drop function if exists ${quoted(name)} cascade`);
}

function namesIn(migrations: readonly Migration[], pattern: RegExp): Set<string> {
  const matches = migrations.flatMap(({ sql }) => [...sql.matchAll(pattern)]);
  return new Set(matches.flatMap(([, ...names]) => names.filter(Boolean)));
}
