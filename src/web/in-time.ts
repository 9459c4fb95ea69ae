import { setTimeout as sleep } from "node:timers/promises";

/** The longest time for an answer, in ms: a browser must not wait for a database that hangs. */
const LONGEST_MS = 15_000;

/** An answer would take too long. */
export class TooSlow extends Error {
  override readonly name = "TooSlow";
}

/** The result of `work`, which goes on where that takes too long. Throws {@link TooSlow}, and what `work` throws in time. */
export async function inTime<T>(work: Promise<T>, longestMs = LONGEST_MS): Promise<T> {
  const done = new AbortController();
  const limit = sleep(longestMs, undefined, { signal: done.signal, ref: false }).then(() => {
    throw new TooSlow(`no answer within ${longestMs} ms`);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    done.abort();
  }
}
