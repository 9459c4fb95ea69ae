import { setTimeout as pause } from "node:timers/promises";
import type { Database, Queryable } from "../database/database.ts";
import { countLiveProcesses } from "../leases/live-processes.ts";

/** The time that a running bridge gets to make a device, in ms. */
const PATIENCE_MS = 60_000;

/** The interval between two looks, in ms. */
const LOOK_EVERY_MS = 500;

/** The end of a wait for a new device. */
export type NewDevice =
  | { readonly kind: "made"; readonly deviceId: string; readonly fingerprint: string }
  /** No bridge runs: the next start makes it. */
  | { readonly kind: "at the next start" }
  /** The bridge has not made it in time; its log says why, and it goes on trying. */
  | { readonly kind: "late" };

/**
 * Waits until a running bridge has made the new device that was asked for; see operator-requests.ts. Throws DatabaseError.
 *
 * @param signal ends the wait early, as if the time were over.
 */
export async function awaitNewDevice(database: Database, userId: string, signal?: AbortSignal): Promise<NewDevice> {
  if ((await countLiveProcesses(database)) === 0) return { kind: "at the next start" };
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline && signal?.aborted !== true) {
    const device = await finishedDevice(database, userId);
    if (device !== undefined) return { kind: "made", ...device };
    await pause(LOOK_EVERY_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
  return { kind: "late" };
}

/** The ghost's device when all requests are done: it is new, signed, and has the backup's keys. */
async function finishedDevice(
  database: Queryable,
  userId: string,
): Promise<{ readonly deviceId: string; readonly fingerprint: string } | undefined> {
  const { rows } = await database.query<{ device_id: string; fingerprint: string }>(
    `select device_id, fingerprint from ghosts
     where user_id = $1 and not renew and replaces is null and (cross_signed or identity_refused) and not restore`,
    [userId],
  );
  const [row] = rows;
  return row === undefined ? undefined : { deviceId: row.device_id, fingerprint: row.fingerprint };
}
