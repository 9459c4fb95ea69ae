import { DeviceClosed } from "../crypto/device.ts";
import { StoreClosed, StoreFailed } from "../crypto/store/errors.ts";
import { DatabaseError } from "../database/database.ts";
import { LeaseHeld, StaleLease } from "../leases/leases.ts";
import { HomeserverUnreachable, MatrixError } from "../homeserver/errors.ts";

/** How long the homeserver asked us to wait (429), in ms; 0 when it did not. */
export function askedToWaitMs(error: unknown): number {
  return error instanceof MatrixError ? (error.retryAfterMs ?? 0) : 0;
}

/** Whether the same may work later with nothing changed: the server or the database is away, or the device is reloaded. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof MatrixError || error instanceof HomeserverUnreachable || error instanceof DatabaseError) {
    return error.retryable;
  }
  return (
    error instanceof DeviceClosed ||
    error instanceof StoreFailed ||
    error instanceof StoreClosed ||
    error instanceof StaleLease ||
    error instanceof LeaseHeld
  );
}
