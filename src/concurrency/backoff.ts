/** How long is waited after failures, in ms. */
export interface Backoff {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Enough for any doubling to have come to its longest. */
const MOST_DOUBLINGS = 30;

/**
 * How long to wait after so many failures in a row, in ms: the time doubles with each, up to the longest. Half of it is random,
 * so that those that failed together do not come back at the same instant.
 *
 * @param failures those before this one.
 * @param random between 0 and 1.
 */
export function backoffMs(
  failures: number,
  { firstMs, longestMs }: Backoff,
  random: () => number = Math.random,
): number {
  const full = Math.min(firstMs * 2 ** Math.min(failures, MOST_DOUBLINGS), longestMs);
  return Math.round(full / 2 + (full / 2) * random());
}
