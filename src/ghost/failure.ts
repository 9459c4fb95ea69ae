import { DeviceClosed } from "../crypto/device.ts";
import { StoreClosed, StoreFailed } from "../crypto/store/errors.ts";
import { DatabaseError } from "../database/database.ts";
import { LeaseHeld, StaleLease } from "../leases/leases.ts";
import { HomeserverUnreachable, MatrixError } from "../homeserver/errors.ts";
import { MasterKeyError } from "../sealing/master-key.ts";
import { GhostHalted } from "./halted.ts";

/** Whether the same may work later: the server, the database or the ghost's device is away, or the device is reloaded. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof MatrixError || error instanceof HomeserverUnreachable || error instanceof DatabaseError) {
    return error.retryable;
  }
  return (
    error instanceof DeviceClosed ||
    error instanceof StoreFailed ||
    error instanceof StoreClosed ||
    error instanceof StaleLease ||
    error instanceof GhostHalted ||
    error instanceof LeaseHeld ||
    // Nothing is lost by waiting until the key is back.
    error instanceof MasterKeyError
  );
}
