import pg from "pg";

/** The contents of a PostgreSQL database as text: each row of each table, as in a dump. */
export async function dumpDatabase(url: string): Promise<ReadonlyMap<string, string>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      "select quote_ident(tablename) as name from pg_tables where schemaname = 'public' order by tablename",
    );
    const dump = new Map<string, string>();
    for (const { name } of tables) {
      const { rows } = await client.query<{ line: string }>(`select row_to_json(t)::text as line from ${name} t`);
      dump.set(name, rows.map(({ line }) => line).join("\n"));
    }
    return dump;
  } finally {
    await client.end();
  }
}

/**
 * The forms of a text in a dump: plain, in hexadecimal digits, and in base64 at any offset. Encrypted text has none of
 * them.
 */
export function tracesOf(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  const inBase64 = [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    // The first and the last character also depend on the neighbours.
    return encoded.slice(before === 0 ? 0 : before + 1, -1);
  });
  return [text, bytes.toString("hex"), ...inBase64];
}
