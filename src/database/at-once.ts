import type { Queryable } from "./database.ts";

/** A piece of work, all statements of which were started. */
export interface StartedAtOnce<T> {
  /** Settles when every statement has, with the reason of the first that failed: the later ones were refused for that. */
  readonly statements: Promise<void>;
  /** The result of the work on them. */
  readonly result: Promise<T>;
}

/**
 * Calls `work`, which must start all its statements before it first waits, so that a commit can follow them on the wire at
 * once. A statement that it starts later is refused.
 */
export function startedAtOnce<T>(tx: Queryable, work: (tx: Queryable) => Promise<T>): StartedAtOnce<T> {
  const started: Promise<unknown>[] = [];
  let isOver = false;
  const start = <R>(statement: () => Promise<R>): Promise<R> => {
    if (isOver) return Promise.reject(new Error("a statement was started after the commit of its transaction"));
    const running = statement();
    started.push(running);
    return running;
  };
  const run = async (): Promise<T> =>
    work({
      query: (sql, values) => start(() => tx.query(sql, values)),
      execute: (sql) => start(() => tx.execute(sql)),
    });
  const result = run();
  // Whoever waits for the statements first learns of the same failure there.
  result.catch(() => undefined);
  isOver = true;
  return { statements: allSettled(started), result };
}

async function allSettled(started: readonly Promise<unknown>[]): Promise<void> {
  const all = await Promise.allSettled(started);
  const failed = all.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
