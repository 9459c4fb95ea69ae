import type { Queryable } from "../database/database.ts";
import type { TurnStore } from "./turn-store.ts";
import type { StoppedTurns, WhichTurns } from "./turn.ts";

/** The store of turns, and the runner's function to end running ones. */
export interface TurnStopping {
  readonly turns: Pick<TurnStore, "stop">;
  /** Ends the answers of these turns, if they run in this process. */
  readonly stopTurns: (ids: readonly number[], how: { readonly keeps: boolean }) => void;
  /** Says at questions about calls that nobody has to answer them any more, and at the drafts of their answers. Returns at once. */
  readonly waitsStopped: (waits: StoppedTurns["waiting"]) => void;
}

/**
 * Ends turns early: waiting and running turns are marked in the transaction, and running answers end when it is
 * committed.
 *
 * @param how.keeps whether the existing part of an answer stays in the room.
 */
export function stopping(
  { turns, stopTurns, waitsStopped }: TurnStopping,
  which: WhichTurns,
  how: { readonly keeps: boolean },
): { readonly store: (tx: Queryable) => Promise<void>; readonly after: () => void } {
  let stopped: StoppedTurns | undefined;
  return {
    store: async (tx) => {
      stopped = await turns.stop(tx, which);
    },
    after: () => {
      stopTurns(stopped?.running ?? [], how);
      if (how.keeps && stopped !== undefined) waitsStopped(stopped.waiting);
    },
  };
}
