import type { Retryable } from "../observability/retryable.ts";

/** The time that a halted ghost's messages wait before the next check, in ms. */
export const HALTED_WAIT_MS = 30_000;

/**
 * The ghost's device is gone from the homeserver: it sends and reads nothing until somebody asks for another one
 * (`matrix-agents keys new-device`). Its messages wait.
 */
export class GhostHalted extends Error implements Retryable {
  override readonly name = "GhostHalted";
  readonly retryable = true;
  readonly subject: string;

  constructor(userId: string, options?: ErrorOptions) {
    super(`${userId} has no device on the homeserver any more`, options);
    this.subject = userId;
  }
}
