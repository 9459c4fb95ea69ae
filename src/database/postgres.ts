import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Logger } from "../observability/log.ts";
import {
  DatabaseError,
  databaseError,
  type Database,
  type DatabaseSession,
  type Result,
  type Row,
} from "./database.ts";

/** A statement that the server has not finished after this time is given up by it, in ms. */
const STATEMENT_TIMEOUT_MS = 20_000;
/** A server that says nothing at all for so long (it hangs, or the network swallows) is given up by us. */
const ANSWER_TIMEOUT_MS = 25_000;
/** A transaction whose process has been frozen in its middle must not keep its locks. */
const IDLE_TRANSACTION_TIMEOUT_MS = 10_000;
/** Scripts are migrations, which take as long as they take. */
const SCRIPT_TIMEOUT_MS = 3_600_000;
/** How long a connection's end may take. */
const GOODBYE_MS = 2_000;

/** Opens a pool on PostgreSQL 14 or later. Connects lazily: the first statement throws when the server is away. */
export function openPostgres(url: string, log: Logger): Database {
  const types = new pg.TypeOverrides();
  types.setTypeParser(pg.types.builtins.INT8, Number);
  types.setTypeParser(pg.types.builtins.NUMERIC, Number);
  const connection = {
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_TRANSACTION_TIMEOUT_MS,
    keepAlive: true,
    application_name: "matrix-agents",
    types,
  };
  const pool = new pg.Pool({ ...connection, max: 10 });
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
        // A connection that did not answer in time would not answer the rollback either; the server rolls back by itself.
        broken ||= error instanceof DatabaseError && error.retryable && error.code === undefined;
        if (!broken) {
          await client.query("rollback").catch(() => {
            broken = true;
          });
        }
        throw error;
      } finally {
        client.off("error", ended);
        client.release(broken);
      }
    },
    connections: () => ({
      used: pool.totalCount - pool.idleCount,
      idle: pool.idleCount,
      awaited: pool.waitingCount,
    }),
    session: () => openSession(new pg.Client(connection)),
    close: () => (closing ??= pool.end()),
  } satisfies Database;
}

async function openSession(client: pg.Client): Promise<DatabaseSession> {
  const ended = new Promise<void>((resolve) => {
    client.on("end", resolve);
    client.on("error", () => {
      resolve();
    });
  });
  const close = async (): Promise<void> => {
    // A server that hangs does not answer the goodbye.
    const patience = sleep(GOODBYE_MS, undefined, { ref: false });
    await Promise.race([client.end().catch(() => undefined), ended, patience]);
  };
  try {
    await client.connect();
  } catch (cause) {
    await close();
    throw databaseError(cause);
  }
  return {
    query: (sql, values) => run(client, sql, values),
    async listen(channel, heard) {
      client.on("notification", (message) => {
        if (message.channel === channel) heard(message.payload ?? "");
      });
      await script(client, `listen ${client.escapeIdentifier(channel)}`);
    },
    ended,
    close,
  };
}

async function run<R extends object = Row>(
  client: pg.Pool | pg.ClientBase,
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

async function script(client: pg.Pool | pg.ClientBase, sql: string): Promise<void> {
  try {
    // Without parameters pg uses the simple protocol, which takes several statements at once.
    await client.query({ text: sql, query_timeout: SCRIPT_TIMEOUT_MS } as pg.QueryConfig);
  } catch (cause) {
    throw databaseError(cause);
  }
}
