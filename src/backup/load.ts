import type { Queryable } from "../database/database.ts";
import type { Item } from "./contents.ts";
import { quoted, tablesOf, type Column, type Table } from "./tables.ts";

/**
 * Fills the tables from a backup, in the caller's transaction. The schema must be the backup's own, and empty. Throws
 * DatabaseError, and an error when the schema has no place for an item.
 *
 * @param own the names of our tables.
 */
export async function load(tx: Queryable, own: ReadonlySet<string>, items: AsyncIterable<Item>): Promise<void> {
  const tables = new Map((await tablesOf(tx, own)).map((table) => [table.name, table]));
  for (const name of [...tables.keys()].reverse()) await empty(tx, name);
  let current: { readonly table: Table; readonly columns: readonly Column[] } | undefined;
  for await (const item of items) {
    switch (item.kind) {
      case "table": {
        const table = tables.get(item.name);
        if (table === undefined) throw new Error(`there is no table ${item.name} in this schema`);
        current = { table, columns: item.columns.map((name) => columnOf(table, name)) };
        break;
      }
      case "rows":
        if (current === undefined) throw new Error("there are rows before any table");
        await insert(tx, current.table, current.columns, item.rows);
        break;
      case "counter":
        if (current === undefined) throw new Error("there is a counter before any table");
        await tx.query("select setval($1::regclass, $2, $3)", [
          columnOf(current.table, item.column).sequence,
          item.value,
          item.isUsed,
        ]);
        break;
      case "beginning":
      case "end":
        break;
    }
  }
}

/**
 * Deletes the rows that migrations inserted; the backup's rows take their place. Append-only tables allow this only
 * here.
 */
async function empty(tx: Queryable, name: string): Promise<void> {
  const table = quoted(name);
  await tx.execute(
    `alter table ${table} disable trigger user; delete from ${table}; alter table ${table} enable trigger user`,
  );
}

async function insert(
  tx: Queryable,
  table: Table,
  columns: readonly Column[],
  rows: readonly (readonly (string | null)[])[],
): Promise<void> {
  const names = columns.map(({ name }) => quoted(name));
  const values = columns.map(({ name, type }) => `${quoted(name)}::${type}`);
  const arrays = columns.map((_, index) => `$${index + 1}::text[]`);
  await tx.query(
    `insert into ${quoted(table.name)} (${names.join(", ")}) overriding system value
     select ${values.join(", ")} from unnest(${arrays.join(", ")}) as given (${names.join(", ")})`,
    columns.map((_, index) => rows.map((row) => row[index] ?? null)),
  );
}

function columnOf({ name, columns }: Table, wanted: string): Column {
  const column = columns.find((one) => one.name === wanted);
  if (column === undefined) throw new Error(`there is no column ${wanted} in ${name} in this schema`);
  return column;
}
