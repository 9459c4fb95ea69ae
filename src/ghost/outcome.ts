import type { Queryable } from "../database/database.ts";

/** The result of an event for a ghost. Its handler decides; only the ghost's actor acts on the decision, once. */
export interface Outcome {
  /**
   * Stores the result, in the transaction that takes the item out of the mailbox. After a crash before that, the item
   * is handled again. The function that it may return starts the last statements at once, without waiting: they share a
   * round trip with the commit.
   */
  readonly store?: ((tx: Queryable) => Promise<LastStatements | undefined | void>) | undefined;
  /** Runs after the commit. A crash in between loses it, so nothing that must not be lost belongs here. */
  readonly after?: (() => void | Promise<void>) | undefined;
}

/** Starts the last statements of a transaction; see {@link Database.transactionWithLast}. */
export type LastStatements = () => Promise<unknown>;

/** Several results as one: all are stored in this order, then `after` of each runs in this order. */
export function combined(...outcomes: readonly Outcome[]): Outcome {
  return {
    store: async (tx) => {
      const lasts: LastStatements[] = [];
      for (const { store } of outcomes) {
        const last = await store?.(tx);
        if (last !== undefined) lasts.push(last);
      }
      return () => Promise.all(lasts.map((last) => last()));
    },
    after: async () => {
      for (const { after } of outcomes) await after?.();
    },
  };
}
