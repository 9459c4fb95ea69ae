/** The waiting times after failures, in ms. */
export interface Backoff {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Enough doublings for any time to reach its longest. */
const MOST_DOUBLINGS = 30;

/**
 * The wait after this many failures in a row, in ms: the time doubles with each, up to the longest. Half of it is
 * random, so that jobs that failed together do not retry at the same instant.
 *
 * @param failures the failures before this one.
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
