import { backoffMs } from "../concurrency/backoff.ts";
import { askedToWaitMs, isUnknownDevice } from "../homeserver/errors.ts";
import { LeaseHeld, StaleLease } from "../leases/leases.ts";

/** The first and the longest wait after a temporary failure, in ms. */
const BACKOFF = { firstMs: 500, longestMs: 60_000 };

/** A ghost's reaction to an interruption of its work. */
export type AfterFailure =
  /** Another process has the ghost: this one leaves it alone. */
  | { readonly kind: "leave" }
  /** Its device is gone: it is halted until it gets a new one. */
  | { readonly kind: "halt" }
  /** It continues after a wait; with `reloads` it is loaded again, because its memory is outdated. */
  | { readonly kind: "retry"; readonly waitMs: number; readonly reloads: boolean };

/**
 * Decides a ghost's reaction to an error that interrupted its work.
 *
 * @param options.before the number of interruptions before this one without a success.
 * @param options.jitter from 0 to 1: half of the wait to all of it, so that ghosts do not come back all at once.
 */
export function afterFailure(
  error: unknown,
  { before, jitter }: { readonly before: number; readonly jitter: number },
): AfterFailure {
  if (error instanceof LeaseHeld) return { kind: "leave" };
  if (isUnknownDevice(error)) return { kind: "halt" };
  return {
    kind: "retry",
    waitMs: Math.max(
      backoffMs(before, BACKOFF, () => jitter),
      askedToWaitMs(error),
    ),
    reloads: error instanceof StaleLease,
  };
}
