import { unquoted } from "../observability/described-error.ts";
import type { Saying } from "../observability/operator-error.ts";

/** A row as the driver returns it: `int8` and `numeric` as numbers, `bytea` as bytes, `timestamptz` as Date, `json` parsed. */
export type Row = Record<string, unknown>;

/** The result of a statement. */
export interface Result<R extends object> {
  readonly rows: R[];
  /** The rows returned; or, for a statement without `returning`, the rows affected. */
  readonly count: number;
}

/** The database itself or one transaction of it. */
export interface Queryable {
  /** Runs one parameterised statement. Throws {@link DatabaseError}. */
  query<R extends object = Row>(sql: string, values?: readonly unknown[]): Promise<Result<R>>;
  /** Runs several statements without parameters, for migrations. Throws {@link DatabaseError}. */
  execute(sql: string): Promise<void>;
}

/**
 * The database: PostgreSQL, or PGlite (PostgreSQL compiled to wasm), in this process or `served` by the bridge's. The SQL is the
 * same on all.
 */
export interface Database extends Queryable {
  readonly kind: "postgres" | "embedded" | "served";
  /**
   * Runs `work` in one transaction: committed when it resolves, rolled back when it throws. Statements that it starts
   * without waiting for the one before share a round trip; they run in the order in which they were started.
   */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
  /**
   * The same with `last`, which starts all its statements before it first waits: they share a round trip with the commit.
   * A statement that it starts later is refused, and what it throws after its first wait undoes nothing: the commit is
   * under way.
   */
  transactionWithLast<T, R>(
    work: (tx: Queryable) => Promise<T>,
    last: (tx: Queryable, made: T) => Promise<R>,
  ): Promise<R>;
  /** A transaction that is all `last`, and so one round trip. */
  atOnce<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
  /** The pool's connections, and the number of waiting callers; absent where there is no pool. */
  connections?(): Readonly<Record<"used" | "idle" | "awaited", number>>;
  /**
   * Does what a PostgreSQL server does by itself; absent where it is one. Throws {@link DatabaseError}.
   *
   * @param signal ends it early.
   */
  upkeep?(signal: AbortSignal): Promise<void>;
  /**
   * Opens a separate connection, for things that belong to one connection: locks that end with it, and notifications.
   */
  session(): Promise<DatabaseSession>;
  /** Closes all connections. Idempotent. */
  close(): Promise<void>;
}

/** One dedicated connection. */
export interface DatabaseSession extends Pick<Queryable, "query"> {
  /** Calls `heard` with each notification on a channel from now on. Throws {@link DatabaseError}. */
  listen(channel: string, heard: (payload: string) => void): Promise<void>;
  /** Resolves when the connection has ended for any reason. Never rejects. */
  readonly ended: Promise<void>;
  /** Closes it. Idempotent. */
  close(): Promise<void>;
}

/** A statement or a connection failed. `retryable` when the same statement may succeed later. */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  /** The server's SQLSTATE, else the driver's code (`ECONNREFUSED` …). */
  readonly code: string | undefined;
  readonly retryable: boolean;
  /** The remedy, where it is known and not in the message. */
  readonly mend: string | undefined;

  constructor(
    message: string,
    options: { code: string | undefined; retryable: boolean; mend?: string | undefined; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.code = options.code;
    this.retryable = options.retryable;
    this.mend = options.mend;
  }
}

/** The code of an error for a database that nobody has made yet. */
export const NO_DATABASE = "NO_DATABASE";

/** An error for a database that can't be used as it is, in words for the admin. */
export function databaseRefusal(
  message: Saying<"DatabaseRefusal">,
  { code, mend }: { readonly code?: typeof NO_DATABASE; readonly mend?: string } = {},
): DatabaseError {
  return new DatabaseError(message, { code, mend, retryable: false });
}

/**
 * SQLSTATEs after which the same statement may succeed later: the classes 08 (connection), 40 (rollback), 53
 * (resources, including a full disk), 57 (shutdown, timeouts) and 58 (the server's system), a transaction that was idle
 * or open for too long, an unavailable lock; `MA002`, raised by our own `hold_sealing_keys`; and the system's own codes
 * (`ECONNREFUSED`).
 */
const RETRYABLE = /^(08|40|53|57|58)|^(25P03|25P04|26000|55P03|MA002)$|^E[A-Z]/;

/** The class of SQLSTATEs whose messages repeat the refused value. */
const NAMES_VALUES = "22";

/** Wraps a driver's error. */
export function databaseError(cause: unknown): DatabaseError {
  if (cause instanceof DatabaseError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const raw: unknown = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const code = typeof raw === "string" ? raw : undefined;
  const retryable =
    code === undefined ? /connection|terminated|timeout|closed|ended/i.test(message) : RETRYABLE.test(code);
  const told = code?.startsWith(NAMES_VALUES) === true ? unquoted(message) : message;
  return new DatabaseError(told, { code, retryable, cause });
}
