import type { Queryable } from "../database/database.ts";

/** A column, with its SQL type. */
export interface Column {
  readonly name: string;
  readonly type: string;
  /** The sequence that numbers it. */
  readonly sequence: string | undefined;
  /** The table that it refers to. */
  readonly references: string | undefined;
}

/** A table of this database. */
export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
}

/**
 * Tables whose rows mean nothing in another database: the applied migrations (the backup stores them separately) and
 * the running processes. References to their rows are stored as null.
 */
const LEFT_OUT: ReadonlySet<string> = new Set(["migrations", "processes"]);

/** Whether a column's values are left out. */
export function isLeftOut({ references }: Column): boolean {
  return references !== undefined && LEFT_OUT.has(references);
}

/**
 * The tables with their columns, each after the tables that it refers to.
 *
 * @param own the names of our tables; a database may hold others.
 */
export async function tablesOf(tx: Queryable, own: ReadonlySet<string>): Promise<Table[]> {
  const { rows } = await tx.query<{
    table: string;
    name: string;
    type: string;
    sequence: string | null;
    references: string | null;
  }>(
    `select pg_class.relname as table, attname as name, format_type(atttypid, atttypmod) as type,
       pg_get_serial_sequence(quote_ident(pg_class.relname), attname) as sequence,
       (select named.relname from pg_constraint join pg_class named on named.oid = confrelid
        where contype = 'f' and conrelid = pg_class.oid and attnum = any (conkey) limit 1) as references
     from pg_class join pg_attribute on attrelid = pg_class.oid
     where relnamespace = current_schema()::regnamespace and relkind = 'r' and attnum > 0 and not attisdropped
       and attgenerated = ''
     order by pg_class.relname, attnum`,
  );
  const tables = new Map<string, Column[]>();
  for (const { table, name, type, sequence, references } of rows) {
    if (!own.has(table) || LEFT_OUT.has(table)) continue;
    const columns = tables.get(table) ?? [];
    columns.push({ name, type, sequence: sequence ?? undefined, references: references ?? undefined });
    tables.set(table, columns);
  }
  return inOrder([...tables].map(([name, columns]) => ({ name, columns })));
}

/** Sorts each table after the tables that it refers to. Throws when references form a circle. */
function inOrder(tables: readonly Table[]): Table[] {
  const ordered: Table[] = [];
  const waiting = new Map(tables.map((table) => [table.name, table]));
  const isFree = ({ name, columns }: Table): boolean =>
    columns.every(({ references }) => references === undefined || references === name || !waiting.has(references));
  while (waiting.size > 0) {
    const free = [...waiting.values()].filter(isFree);
    if (free.length === 0) throw new Error(`tables name each other in a circle: ${[...waiting.keys()].join(", ")}`);
    for (const table of free) waiting.delete(table.name);
    ordered.push(...free);
  }
  return ordered;
}

/** A name quoted for SQL. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
