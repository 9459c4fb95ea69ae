import type { LimitKind } from "../config/config.ts";

/** In the order in which rows are locked. */
export const LIMIT_KINDS: readonly LimitKind[] = ["user", "room", "server", "agent"];

const DAY_MS = 86_400_000;

/** The present count of an earlier use: it falls evenly, by a day's worth in a day. */
export function usedNow(used: number, capacity: number, elapsedMs: number): number {
  return Math.max(0, used - (capacity * elapsedMs) / DAY_MS);
}

/** The time until there is room for `more` again, in ms; 0 when there is. */
export function waitMs(used: number, capacity: number, more: number): number {
  const missing = used + more - capacity;
  return missing <= 0 ? 0 : Math.ceil((missing / capacity) * DAY_MS);
}
