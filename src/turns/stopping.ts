import type { Queryable } from "../database/database.ts";
import type { TurnStore, WhichTurns } from "./turn-store.ts";

/** The store of turns, and the runner's function to end running ones. */
export interface TurnStopping {
  readonly turns: Pick<TurnStore, "stop">;
  /** Ends the answers of these turns, if they run in this process. */
  readonly stopTurns: (ids: readonly number[], how: { readonly keeps: boolean }) => void;
}

/**
 * Ends turns early: waiting and running turns are marked in the transaction, and running answers end when it is
 * committed.
 *
 * @param how.keeps whether the existing part of an answer stays in the room.
 */
export function stopping(
  { turns, stopTurns }: TurnStopping,
  which: WhichTurns,
  how: { readonly keeps: boolean },
): { readonly store: (tx: Queryable) => Promise<void>; readonly after: () => void } {
  let running: readonly number[] = [];
  return {
    store: async (tx) => {
      ({ running } = await turns.stop(tx, which));
    },
    after: () => {
      stopTurns(running, how);
    },
  };
}
