import type { Retryable } from "../observability/retryable.ts";

/** How long what a ghost has to say waits while it stands still, in ms, before it is looked whether it still does. */
export const HALTED_WAIT_MS = 30_000;

/**
 * The ghost's device is gone from the homeserver: it says and reads nothing until somebody asks for another one
 * (`matrix-agents keys new-device`). What it was to say waits.
 */
export class GhostHalted extends Error implements Retryable {
  override readonly name = "GhostHalted";
  readonly retryable = true;

  constructor(userId: string, options?: ErrorOptions) {
    super(`${userId} has no device on the homeserver any more`, options);
  }
}
