import type { Database, Queryable } from "../../database/database.ts";
import { fenced, fencedAtOnce, StaleLease, type Lease } from "../../leases/leases.ts";
import { rowsOf, type Change, type DatabaseContents, type ObjectStoreSchema, type RecordRow } from "./contents.ts";

/*
 * The SQL of the crypto store (migrations/0002_crypto_store.sql), for both databases. Rows travel as one JSON text,
 * which every driver passes on as it is. Everything throws DatabaseError.
 */

/** Reads one IndexedDB database, or undefined when there is none of that name. */
export async function readDatabase(database: Queryable, name: string): Promise<DatabaseContents | undefined> {
  const found = await database.query<{ version: number; schema: readonly ObjectStoreSchema[] }>(
    "select version, schema from crypto_databases where name = $1",
    [name],
  );
  const [head] = found.rows;
  if (head === undefined) return undefined;
  const { rows } = await database.query<{ store: string; key: string; value: string }>(
    "select store, key, value from crypto_records where database = $1",
    [name],
  );
  const records = rows.map(({ store, key, value }) => ({
    store,
    key: JSON.parse(key) as unknown,
    value: JSON.parse(value) as unknown,
  }));
  return { version: head.version, schema: head.schema, records };
}

/**
 * Writes one transaction's changes in one statement: one round trip and one SQL transaction. The share lock on the
 * lease makes the taker of the next epoch wait. Throws {@link StaleLease} and NotStorable, and then has written
 * nothing.
 */
export async function writeChanges(
  database: Queryable,
  lease: Lease,
  name: string,
  changes: readonly Change[],
): Promise<void> {
  const { rows } = await database.query<{ leases: number }>(
    `with lease as materialized (
       select from leases where ghost = $1 and epoch = $2 for share
     ), change as materialized (
       select change.* from lease, json_to_recordset($4::text::json) as change (store text, key text, value text)
     ), deleted as (
       delete from crypto_records using change
       where database = $3 and crypto_records.store = change.store and crypto_records.key = change.key
         and change.value is null
     ), put as (
       insert into crypto_records (database, store, key, value)
       select $3, store, key, value from change where value is not null
       on conflict (database, store, key) do update set value = excluded.value
     )
     select count(*)::integer as leases from lease`,
    [lease.ghost, lease.epoch, name, JSON.stringify(rowsOf(changes))],
  );
  if (rows[0]?.leases !== 1) throw new StaleLease(lease);
}

/**
 * Replaces one IndexedDB database, all or nothing. This happens rarely: an upgrade of the schema does not report its
 * changes one by one. Throws {@link StaleLease} and NotStorable, and then has written nothing.
 */
export async function replaceDatabase(
  database: Database,
  lease: Lease,
  name: string,
  contents: DatabaseContents,
): Promise<void> {
  const rows: RecordRow[] = rowsOf(contents.records.map((record) => ({ kind: "put", ...record })));
  await fenced(database, lease, async (tx) => {
    await tx.query(
      `insert into crypto_databases (name, version, schema) values ($1, $2, $3::text::json)
       on conflict (name) do update set version = excluded.version, schema = excluded.schema`,
      [name, contents.version, JSON.stringify(contents.schema)],
    );
    await tx.query("delete from crypto_records where database = $1", [name]);
    await tx.query(
      `insert into crypto_records (database, store, key, value)
       select $1, store, key, value from json_to_recordset($2::text::json) as put (store text, key text, value text)`,
      [name, JSON.stringify(rows)],
    );
  });
}

/**
 * Deletes the records of matching object stores (by the beginning of their names) that are older than this, in ms.
 * Throws StaleLease.
 */
export async function deleteOldRecords(
  database: Database,
  lease: Lease,
  names: readonly string[],
  storePrefix: string,
  olderMs: number,
): Promise<number> {
  const { count } = await fencedAtOnce(database, lease, (tx) =>
    tx.query(
      `delete from crypto_records where database = any($1::text[])
         and starts_with(store, $2) and created_at < now() - $3 * interval '1 millisecond'`,
      [names, storePrefix, olderMs],
    ),
  );
  return count;
}

/** Deletes one IndexedDB database. A session that still has it open can't write to it. */
export async function deleteDatabase(database: Queryable, name: string): Promise<void> {
  await database.query("delete from crypto_databases where name = $1", [name]);
}
