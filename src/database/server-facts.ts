import type { Database } from "./database.ts";

/** The facts that a database server gives about itself and the schema. */
export interface ServerFacts {
  /** In PostgreSQL's form: 140005 is 14.5. */
  readonly versionNumber: number;
  readonly encoding: string;
  /** The size of the whole database. */
  readonly bytes: number;
  /** Whether any migration has been applied. */
  readonly isMigrated: boolean;
  /** The largest tables, the largest first. */
  readonly tables: readonly { readonly name: string; readonly bytes: number }[];
}

/** Asks the server. Throws DatabaseError. */
export async function serverFacts(database: Database, largest: number): Promise<ServerFacts> {
  const { rows } = await database.query<{ version: string; encoding: string; bytes: number; migrated: boolean }>(
    `select current_setting('server_version_num') as version, current_setting('server_encoding') as encoding,
       pg_database_size(current_database()) as bytes, to_regclass('migrations') is not null as migrated`,
  );
  const [server] = rows;
  if (server === undefined) throw new Error("the database tells nothing of itself");
  const tables = await database.query<{ name: string; bytes: number }>(
    `select relname::text as name, pg_total_relation_size(oid) as bytes from pg_class
     where relkind = 'r' and relnamespace = current_schema()::regnamespace order by bytes desc, relname limit $1`,
    [largest],
  );
  const { version, encoding, bytes, migrated: isMigrated } = server;
  return { versionNumber: Number(version), encoding, bytes, isMigrated, tables: tables.rows };
}
