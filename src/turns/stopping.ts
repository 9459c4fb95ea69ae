import type { Queryable } from "../database/database.ts";
import type { TurnStore, WhichTurns } from "./turn-store.ts";

/** The store of turns, and the runner's way to end those that run. */
export interface TurnStopping {
  readonly turns: Pick<TurnStore, "stop">;
  /** Ends the answers of these turns, if they run in this process. */
  readonly stopTurns: (ids: readonly number[], how: { readonly keeps: boolean }) => void;
}

/**
 * Ends turns early: those that wait and those that run are marked with what is stored, and the answers that are being made
 * end when that is committed.
 *
 * @param how.keeps whether what is said of an answer by then stays in the room.
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
