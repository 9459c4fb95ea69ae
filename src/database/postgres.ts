import pg from "pg";
import type { Logger } from "../observability/log.ts";
import { databaseError, type Database, type Result, type Row } from "./database.ts";

/** Opens a pool on PostgreSQL 14 or later. Connects lazily: the first statement throws when the server is away. */
export function openPostgres(url: string, log: Logger): Database {
  const types = new pg.TypeOverrides();
  types.setTypeParser(pg.types.builtins.INT8, Number);
  types.setTypeParser(pg.types.builtins.NUMERIC, Number);
  const pool = new pg.Pool({
    connectionString: url,
    max: 10,
    connectionTimeoutMillis: 10_000,
    application_name: "matrix-agents",
    types,
  });
  // An idle connection that the server ends is reported here; without a listener it would end the process.
  pool.on("error", (error) => log.warn({ error }, "a database connection was lost"));
  let closing: Promise<void> | undefined;

  return {
    kind: "postgres",
    query: (sql, values) => run(pool, sql, values),
    execute: (sql) => script(pool, sql),
    async transaction(work) {
      const client = await pool.connect().catch((cause: unknown) => {
        throw databaseError(cause);
      });
      let broken = false;
      // The pool listens to idle connections only; one that ends between two statements would end the process too.
      const ended = (): void => {
        broken = true;
      };
      client.on("error", ended);
      try {
        await run(client, "begin");
        const result = await work({
          query: (sql, values) => run(client, sql, values),
          execute: (sql) => script(client, sql),
        });
        await run(client, "commit");
        return result;
      } catch (error) {
        await client.query("rollback").catch(() => {
          broken = true;
        });
        throw error;
      } finally {
        client.off("error", ended);
        client.release(broken);
      }
    },
    close: () => (closing ??= pool.end()),
  } satisfies Database;
}

async function run<R extends object = Row>(
  client: pg.Pool | pg.PoolClient,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Result<R>> {
  try {
    const result = await client.query<R>(sql, [...values]);
    return { rows: result.rows, count: result.rowCount ?? 0 };
  } catch (cause) {
    throw databaseError(cause);
  }
}

async function script(client: pg.Pool | pg.PoolClient, sql: string): Promise<void> {
  // Without parameters pg uses the simple protocol, which takes several statements at once.
  await client.query(sql).catch((cause: unknown) => {
    throw databaseError(cause);
  });
}
