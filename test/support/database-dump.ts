import type { Database } from "../../src/database/database.ts";

/** Every row of every table as text, as in a dump of the database. */
export async function dumpOf(database: Pick<Database, "query">): Promise<string> {
  const { rows: tables } = await database.query<{ name: string }>(
    "select quote_ident(table_name) as name from information_schema.tables where table_schema = 'public' order by 1",
  );
  const lines: string[] = [];
  for (const { name } of tables) {
    const { rows } = await database.query<{ line: string }>(`select ${name}::text as line from ${name}`);
    lines.push(...rows.map(({ line }) => `${name} ${line}`));
  }
  return lines.join("\n");
}
