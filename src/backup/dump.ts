import type { Database, Queryable } from "../database/database.ts";
import { appliedMigrations } from "../database/migrate.ts";
import { ghostsInUse } from "../leases/leases.ts";
import type { Item } from "./contents.ts";
import { isLeftOut, quoted, tablesOf, type Table } from "./tables.ts";

/** The rows read at once; one row may hold many kilobytes. */
const BATCH = 200;

interface DumpOptions {
  readonly own: ReadonlySet<string>;
  readonly version: string;
  readonly take: (item: Item) => Promise<void>;
  readonly confirm?: (tx: Queryable) => Promise<void>;
  readonly inUse?: readonly string[];
}

/**
 * Hands over the whole database as it is at one moment, while others go on writing. Throws DatabaseError and the error
 * of `take`.
 *
 * @param options.own the names of our tables.
 * @param options.confirm looks at the same moment first; nothing is handed over when it throws.
 * @param options.inUse the ghosts in use, where the database can't tell: it is a copy, on which no process runs.
 */
export async function dump(database: Database, { own, version, take, confirm, inUse }: DumpOptions): Promise<void> {
  await database.transaction(async (tx) => {
    await tx.execute("set transaction isolation level repeatable read, read only");
    await confirm?.(tx);
    await take({
      kind: "beginning",
      version,
      madeAt: new Date().toISOString(),
      migrations: (await appliedMigrations(tx)).map(({ number }) => number),
      inUse: inUse ?? (await ghostsInUse(tx)),
    });
    let count = 0;
    for (const table of await tablesOf(tx, own)) count += await dumpTable(tx, table, take);
    await take({ kind: "end", rows: count });
  });
}

async function dumpTable(
  tx: Queryable,
  { name, columns }: Table,
  take: (item: Item) => Promise<void>,
): Promise<number> {
  await take({ kind: "table", name, columns: columns.map((column) => column.name) });
  const values = columns.map((column) => (isLeftOut(column) ? "null" : `${quoted(column.name)}::text`));
  await tx.query(
    `declare backup_rows no scroll cursor for select json_build_array(${values.join(", ")})::text as row from ${quoted(name)}`,
  );
  let count = 0;
  for (;;) {
    const { rows } = await tx.query<{ row: string }>(`fetch ${BATCH} from backup_rows`);
    if (rows.length === 0) break;
    count += rows.length;
    await take({ kind: "rows", rows: rows.map(({ row }) => JSON.parse(row) as (string | null)[]) });
  }
  await tx.query("close backup_rows");
  for (const { name: column, sequence } of columns) {
    if (sequence === undefined) continue;
    const { rows } = await tx.query<{ value: number; isUsed: boolean }>(
      `select last_value as value, is_called as "isUsed" from ${sequence}`,
    );
    for (const counter of rows) await take({ kind: "counter", column, ...counter });
  }
  return count;
}
