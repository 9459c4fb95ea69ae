import type { Queryable } from "../database/database.ts";

/** The result of an event for a ghost. Its handler decides; only the ghost's actor acts on the decision, once. */
export interface Outcome {
  /**
   * Stores the result, in the transaction that takes the item out of the mailbox. After a crash before that, the item
   * is handled again.
   */
  readonly store?: ((tx: Queryable) => Promise<void>) | undefined;
  /**
   * Completes that: it starts all its statements before it first waits, and they share a round trip with the commit; see
   * {@link Database.transactionWithLast}.
   */
  readonly last?: ((tx: Queryable) => Promise<unknown>) | undefined;
  /** Runs after the commit. A crash in between loses it, so nothing that must not be lost belongs here. */
  readonly after?: (() => void | Promise<void>) | undefined;
}

/** Several results as one: all are stored in this order and completed, then `after` of each runs in this order. */
export function combined(...outcomes: readonly Outcome[]): Outcome {
  return {
    store: async (tx) => {
      for (const { store } of outcomes) await store?.(tx);
    },
    last: (tx) => Promise.all(outcomes.map(async ({ last }) => last?.(tx))),
    after: async () => {
      for (const { after } of outcomes) await after?.();
    },
  };
}
