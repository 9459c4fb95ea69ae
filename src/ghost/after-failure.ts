import { backoffMs } from "../concurrency/backoff.ts";
import { askedToWaitMs, isUnknownDevice } from "../homeserver/errors.ts";
import { LeaseHeld, StaleLease } from "../leases/leases.ts";

/** Waits after a failure that may pass, in ms: the first and the longest. */
const BACKOFF = { firstMs: 500, longestMs: 60_000 };

/** What a ghost does when its work was interrupted. */
export type AfterFailure =
  /** Another process has the ghost: this one leaves it alone. */
  | { readonly kind: "leave" }
  /** Its device is gone: it stands still until it is given a new one. */
  | { readonly kind: "halt" }
  /** It goes on after a wait; with `reloads` it is loaded anew, because what is in memory is another's by now. */
  | { readonly kind: "retry"; readonly waitMs: number; readonly reloads: boolean };

/**
 * What a ghost does when its work was interrupted by an error.
 *
 * @param options.before how many interruptions came before this one without a success.
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
