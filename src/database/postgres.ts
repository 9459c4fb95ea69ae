import type { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Logger } from "../observability/log.ts";
import { Outage } from "../observability/outage.ts";
import {
  DatabaseError,
  databaseError,
  type Database,
  type DatabaseSession,
  type Result,
  type Row,
} from "./database.ts";
import { inTransaction, type TransactionConnection } from "./in-transaction.ts";
import { onceMore } from "./once-more.ts";
import { PreparedStatements } from "./prepared-statements.ts";
import { SharedReads } from "./shared-reads.ts";

/** The time after which the server aborts a statement, in ms. */
const STATEMENT_TIMEOUT_MS = 20_000;
/** The time after which we give up on a silent server (it hangs, or the network drops packets). */
const ANSWER_TIMEOUT_MS = 25_000;
/** The server ends an idle transaction after this time: a frozen process must not keep its locks. */
const IDLE_TRANSACTION_TIMEOUT_MS = 10_000;
/** Scripts are migrations, which may take long. */
const SCRIPT_TIMEOUT_MS = 3_600_000;
/**
 * Statements are planned once for a connection: planning takes as long as running them. Each of ours reads by an index whatever its
 * parameters are; those that delete what is old have their numbers within them (`withNumbers`).
 */
const PLAN_ONCE = "set plan_cache_mode = force_generic_plan; set jit = off";
/** The time limit for closing a connection. */
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
  // Statements that are started on one connection without waiting for one another go out together.
  const pool = new pg.Pool({ ...connection, max: 10, pipeline: true });
  // The pool reports here when the server ends an idle connection; without a listener that would end the process.
  pool.on("error", (error) => log.warn({ error: databaseError(error) }, "a database connection was lost"));
  pool.on("connect", prepare);
  const prepared = new PreparedStatements();
  let closing: Promise<void> | undefined;

  const outage = new Outage(log, { begins: "the database does not answer", ends: "the database answers again" });
  async function connect(): Promise<Connection> {
    const client = await pool.connect().catch((cause: unknown) => {
      const error = databaseError(cause);
      if (error.retryable) outage.failed(error);
      throw error;
    });
    outage.answered();
    return new Connection(client, prepared);
  }
  const reads = new SharedReads(connect);

  /** Runs `work` on one connection, which is used again unless it broke. */
  async function onConnection<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await connect();
    try {
      return await work(connection);
    } finally {
      connection.release();
    }
  }

  const transactionWithLast: Database["transactionWithLast"] = (work, last) =>
    onConnection((connection) => inTransaction(connection, work, last, "begin"));

  return {
    kind: "postgres",
    query: (sql, values) =>
      onceMore(() =>
        reads.isRead(sql) ? reads.query(sql, values) : onConnection((connection) => connection.query(sql, values)),
      ),
    execute: (sql) => onConnection((connection) => connection.execute(sql)),
    transaction: (work) => transactionWithLast(work, (_tx, made) => Promise.resolve(made)),
    transactionWithLast,
    atOnce: (work) => transactionWithLast(() => Promise.resolve(), work),
    connections: () => ({
      used: pool.totalCount - pool.idleCount,
      idle: pool.idleCount,
      awaited: pool.waitingCount,
    }),
    session: () => openSession(new pg.Client(connection)),
    close: () => (closing ??= pool.end()),
  } satisfies Database;
}

function prepare(client: pg.PoolClient): void {
  // Also while one is handed over, when neither the pool nor the one who takes it listens.
  client.on("error", () => undefined);
  // It leaves together with the first statement. A connection that does not take it works the same, but more slowly.
  client.query(PLAN_ONCE).catch(() => undefined);
}

async function openSession(client: pg.Client): Promise<DatabaseSession> {
  const ended = new Promise<void>((resolve) => {
    client.on("end", resolve);
    client.on("error", () => {
      resolve();
    });
  });
  const close = async (): Promise<void> => {
    // A hanging server does not answer the goodbye.
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

/** Errors after which a connection is of no use: no answer, or a prepared statement that the server does not have. */
const BREAKS: ReadonlySet<string | undefined> = new Set([undefined, "26000"]);

/** A connection of the pool while somebody has it. */
class Connection implements TransactionConnection {
  readonly #client: pg.PoolClient;
  readonly #prepared: PreparedStatements;
  #isBroken = false;
  /** The pool listens to idle connections only; one that ends between two statements would end the process too. */
  readonly #ended = (): void => {
    this.#isBroken = true;
  };

  constructor(client: pg.PoolClient, prepared: PreparedStatements) {
    this.#client = client;
    this.#prepared = prepared;
    client.on("error", this.#ended);
  }

  query<R extends object = Row>(sql: string, values?: readonly unknown[]): Promise<Result<R>> {
    this.#holdBack();
    return this.#watched(this.#prepared.run<R>(this.#client, sql, values));
  }

  execute(sql: string): Promise<void> {
    this.#holdBack();
    return this.#watched(script(this.#client, sql));
  }

  commit(): Promise<unknown> {
    return this.query("commit");
  }

  /** Never rejects: the server rolls back what a broken connection left open. */
  async rollback(): Promise<void> {
    if (this.#isBroken) return;
    await this.#client.query("rollback").catch(this.#ended);
  }

  release(): void {
    this.#client.off("error", this.#ended);
    this.#client.release(this.#isBroken);
  }

  /** Statements that are started in one tick leave in one packet. */
  #holdBack(): void {
    const { stream } = (this.#client as unknown as { readonly connection: { readonly stream: Writable } }).connection;
    stream.cork();
    // A transaction starts its commit after promises of the next tick: this is the tick after that.
    process.nextTick(() => {
      queueMicrotask(() => process.nextTick(() => stream.uncork()));
    });
  }

  /** A connection that did not answer in time would not answer the next time either. */
  async #watched<T>(statement: Promise<T>): Promise<T> {
    try {
      return await statement;
    } catch (error) {
      if (error instanceof DatabaseError && error.retryable && BREAKS.has(error.code)) this.#isBroken = true;
      throw error;
    }
  }
}

async function run<R extends object = Row>(
  client: pg.ClientBase,
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

async function script(client: pg.ClientBase, sql: string): Promise<void> {
  try {
    // Without parameters pg uses the simple protocol, which takes several statements at once.
    await client.query({ text: sql, query_timeout: SCRIPT_TIMEOUT_MS } as pg.QueryConfig);
  } catch (cause) {
    throw databaseError(cause);
  }
}
