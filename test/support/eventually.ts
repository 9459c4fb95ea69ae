import { setTimeout as sleep } from "node:timers/promises";

/** The condition of {@link eventually} was never met. */
export class NeverHappened extends Error {
  override readonly name = "NeverHappened";
}

export interface EventuallyOptions {
  /** Milliseconds until it gives up. */
  readonly timeoutMs?: number;
  /** Milliseconds between two looks. */
  readonly intervalMs?: number;
  /** Added to the error: the state found instead. */
  readonly instead?: () => string;
}

type NotYet = undefined | null | false;

/**
 * Repeats `look` until it returns something other than `undefined`, `null` or `false`, and resolves with that. An error
 * thrown by `look` ends the wait. Throws {@link NeverHappened}, which names the condition.
 */
export async function eventually<T>(
  what: string,
  look: () => T | NotYet | Promise<T | NotYet>,
  { timeoutMs = 15_000, intervalMs = 25, instead }: EventuallyOptions = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== null && seen !== false) return seen;
    if (performance.now() >= deadline) {
      const found = instead === undefined ? "" : `; instead: ${instead()}`;
      throw new NeverHappened(`waited ${timeoutMs / 1000} s for ${what}${found}`);
    }
    await sleep(intervalMs);
  }
}
