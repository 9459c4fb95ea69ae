import type { Queryable } from "../database/database.ts";

/** What came of something that reached a ghost. Whoever handles it decides; the ghost's actor alone acts on it, once. */
export interface Outcome {
  /** Stores it, in the one transaction that takes what was handled out of the mailbox. A crash before that repeats all. */
  readonly store?: ((tx: Queryable) => Promise<void>) | undefined;
  /** Follows when that is committed. A crash before it loses it: for nothing that must not be lost. */
  readonly after?: (() => void | Promise<void>) | undefined;
}

/** All that came of one thing, as one: stored in this order, followed by what follows each, in this order. */
export function combined(...outcomes: readonly Outcome[]): Outcome {
  return {
    store: async (tx) => {
      for (const { store } of outcomes) await store?.(tx);
    },
    after: async () => {
      for (const { after } of outcomes) await after?.();
    },
  };
}
