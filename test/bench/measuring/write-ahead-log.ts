import pg from "pg";

/** The amount that a PostgreSQL has written to its write-ahead log so far. */
export interface WriteAheadLog {
  /** In bytes; everything that is committed by now is in it. */
  written(): Promise<number>;
  close(): Promise<void>;
}

/** Connects to a server as its superuser. Everything that its databases write counts. */
export async function openWriteAheadLog(adminUrl: string): Promise<WriteAheadLog> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  return {
    async written() {
      const { rows } = await client.query<{ bytes: string }>("select pg_current_wal_insert_lsn() - '0/0' as bytes");
      return Number(rows[0]?.bytes);
    },
    close: () => client.end(),
  };
}
