import type { MissedEvents } from "./missed-events.ts";
import type { MissedMemberships } from "./missed-memberships.ts";

/** The time after which the homeserver has sent its held-back transactions, in ms after its or our return. */
const AGAIN_AFTER_MS = 15_000;

/** The ghosts asked about at once at our own start, and the pause before each further one, in ms. */
const FEW = 10;
const PAUSE_MS = 1_000;

/** The reason for a search: what may have happened to the homeserver meanwhile. */
export type SearchReason =
  /** It was away, and has probably lost what it held in memory. */
  | "homeserver returned"
  /** We were away, and know nothing of it. */
  | "own start"
  /**
   * It held transactions back, because we refused one or could not be reached. Synapse strands a transaction that it makes in
   * the moment in which it has sent all of those: that one is sent only after the next failure (`_Recoverer.retry` in its
   * appservice/scheduler.py).
   */
  | "transactions held back";

/** The parts of a search. */
export interface SearchParts {
  readonly events: Pick<MissedEvents, "find">;
  readonly memberships: Pick<MissedMemberships, "find">;
  /** Waits; throws when the bridge stops. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Searches for what no transaction brought: twice, because the homeserver may lose more while it sends its held-back
 * transactions; where it had only to send these, once, after that. Resolves with the number of events found.
 *
 * The rooms are always searched. A ghost's invites and unknown rooms take two calls for each ghost, whether it was in any
 * room or not. So at our own start a few ghosts are asked about at once and the others slowly: after most starts nothing
 * is lost. Where anything turns out to be, the homeserver did lose something, and all are asked about at once. One pass
 * is enough for the others, because theirs comes after the second search.
 *
 * @param ghosts in the order in which they are asked about.
 */
export async function searchForMissed(
  reason: SearchReason,
  ghosts: readonly string[],
  { events, memberships, pause }: SearchParts,
  signal: AbortSignal,
): Promise<number> {
  const few = reason === "homeserver returned" ? ghosts.length : FEW;
  let all = 0;
  let asked: readonly string[] = ghosts.slice(0, few);
  let waiting: readonly string[] = ghosts.slice(few);
  for (const waitMs of reason === "transactions held back" ? [AGAIN_AFTER_MS] : [0, AGAIN_AFTER_MS]) {
    if (waitMs > 0) await pause(waitMs, signal);
    const found = (await memberships.find(asked, signal)) + (await events.find(signal));
    all += found;
    if (found === 0 || waiting.length === 0) continue;
    all += await memberships.find(waiting, signal);
    asked = ghosts;
    waiting = [];
  }
  while (waiting.length > 0) {
    await pause(PAUSE_MS, signal);
    const found = await memberships.find(waiting.slice(0, 1), signal);
    waiting = waiting.slice(1);
    all += found;
    if (found === 0) continue;
    all += await memberships.find(waiting, signal);
    waiting = [];
  }
  return all;
}
