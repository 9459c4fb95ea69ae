import { DatabaseError, type Queryable, type Result, type Row } from "./database.ts";

/**
 * The SQLSTATEs of statements that were refused since one before them in their transaction failed: refused as such, or because
 * their own preparation was.
 */
const FOLLOWS_FROM_FAILURE: ReadonlySet<string | undefined> = new Set(["25P02", "26000"]);

/**
 * The statements of one transaction. They may be started before those ahead of them have succeeded; one that fails makes all
 * later ones fail for a reason that says nothing, and the transaction with them.
 */
export class TransactionStatements implements Queryable {
  readonly #tx: Queryable;
  readonly #running = new Set<Promise<unknown>>();
  #failure: { readonly reason: unknown } | undefined;
  #isClosed = false;

  constructor(tx: Queryable) {
    this.#tx = tx;
  }

  query<R extends object = Row>(sql: string, values?: readonly unknown[]): Promise<Result<R>> {
    return this.#watched(() => this.#tx.query<R>(sql, values));
  }

  execute(sql: string): Promise<void> {
    return this.#watched(() => this.#tx.execute(sql));
  }

  /**
   * Calls `last`, which must start all its statements before it first waits: those that it starts later are refused. Resolves
   * at once, before any answer. Throws what `last` threw until then.
   */
  async last<R>(last: (tx: Queryable) => Promise<R>): Promise<{ readonly result: Promise<R> }> {
    const result = last(this);
    this.#isClosed = true;
    let failure: { readonly reason: unknown } | undefined;
    result.catch((reason: unknown) => {
      failure = { reason };
    });
    // After all that follows by promises alone, and before any answer comes in.
    await new Promise<void>((resolve) => {
      process.nextTick(resolve);
    });
    if (failure !== undefined) throw failure.reason;
    return { result };
  }

  /** Resolves when every statement has ended well; throws the first failure. */
  async succeeded(): Promise<void> {
    await Promise.allSettled(this.#running);
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  /** Refuses statements that are started from now on: they would run outside the transaction. */
  close(): void {
    this.#isClosed = true;
  }

  /** The error to throw in place of an error of the transaction. */
  reasonOf(error: unknown): unknown {
    if (this.#failure === undefined) return error;
    return error instanceof DatabaseError && FOLLOWS_FROM_FAILURE.has(error.code) ? this.#failure.reason : error;
  }

  #watched<T>(start: () => Promise<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(new Error("a statement was started after the end of its transaction"));
    const statement = start();
    this.#running.add(statement);
    statement.then(
      () => this.#running.delete(statement),
      (reason: unknown) => {
        this.#running.delete(statement);
        this.#failure ??= { reason };
      },
    );
    return statement;
  }
}
