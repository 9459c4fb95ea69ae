import { setTimeout as sleep } from "node:timers/promises";
import { backoffMs } from "../concurrency/backoff.ts";
import { HomeserverUnreachable, MatrixError, type HomeserverError } from "./errors.ts";

const RETRY = { firstMs: 500, longestMs: 30_000 };

/**
 * Milliseconds before the next attempt: the time that the homeserver asked for, or a time that doubles from half a
 * second to half a minute. Half of that is random, so that many ghosts do not retry at the same instant.
 *
 * @param attempt the attempts made so far, from 1.
 */
export function retryDelayMs(error: unknown, attempt: number, random: () => number = Math.random): number {
  if (error instanceof MatrixError && error.retryAfterMs !== undefined) return error.retryAfterMs;
  return backoffMs(attempt - 1, RETRY, random);
}

/** The longest pause before the next look whether the homeserver is back, in ms. */
const LONGEST_LOOK_MS = 60_000;

/**
 * Milliseconds before the next look whether the homeserver is back. A proxy's page about maintenance may ask for an hour, which would
 * keep agents silent long after the end of it.
 */
export function lookAgainMs(error: unknown, attempt: number): number {
  return Math.min(retryDelayMs(error, attempt), LONGEST_LOOK_MS);
}

/**
 * Runs `attempt` until it succeeds or fails permanently. Throws its last error when that is not retryable or the next
 * attempt would begin after `deadline` (as of `performance.now()`), and the signal's reason when it aborts.
 */
export async function retrying<T>(
  attempt: () => Promise<T>,
  options: {
    readonly signal: AbortSignal | undefined;
    readonly deadline: number;
    readonly onRetry: (error: HomeserverError, waitMs: number, attempts: number) => void;
  },
): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isTransient(error)) throw error;
      const waitMs = retryDelayMs(error, attempts);
      if (performance.now() + waitMs > options.deadline) throw error;
      options.onRetry(error, waitMs, attempts);
      await pause(waitMs, options.signal);
    }
  }
}

/** Waits. When the signal aborts, throws the signal's own reason instead of the timer's wrapper. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

function isTransient(error: unknown): error is MatrixError | HomeserverUnreachable {
  return (error instanceof MatrixError || error instanceof HomeserverUnreachable) && error.retryable;
}
