import type { Queryable } from "../database/database.ts";
import { markerOf } from "../ghost/device/store-marker.ts";
import { newDeviceId } from "../ghost/ghost-store.ts";
import type { HomeserverClient } from "../homeserver/client.ts";

/*
 * A crypto store that comes back from a backup may be older than what its device has done since: it would encrypt with
 * keys that were used before, and can't read what was sent to it meanwhile. The homeserver knows a number that is counted
 * up whenever a store is opened (ghost/device/store-marker.ts).
 */

/** A ghost as a backup has it. */
export interface BackedUpGhost {
  readonly userId: string;
  readonly deviceId: string;
  readonly deviceMade: boolean;
  /** Whether it gets a new device anyway. */
  readonly renew: boolean;
  readonly marker: number;
}

/**
 * The ghosts whose devices may have been used since the backup: those that were in use while it was made, and those that
 * the homeserver does not know to be as they were. Throws HomeserverError.
 */
export async function maybeUsedSince(
  client: HomeserverClient,
  ghosts: readonly BackedUpGhost[],
  inUse: readonly string[],
): Promise<string[]> {
  const used: string[] = [];
  for (const { userId, deviceId, deviceMade, renew, marker } of ghosts) {
    if (!deviceMade || renew) continue;
    const known = inUse.includes(userId) ? undefined : await markerOf(client, userId);
    if (known?.deviceId !== deviceId || known.marker !== marker) used.push(userId);
  }
  return used;
}

/** Has every ghost get a new device, signed by the same identity, when it is loaded next. */
export async function renewDevices(tx: Queryable): Promise<void> {
  await tx.query("update ghosts set renew = true where device_made");
}

/** Devices that were not on the server yet may be by now, with keys that nobody has: they get other ids. */
export async function renameUnmade(tx: Queryable): Promise<void> {
  const { rows } = await tx.query<{ user_id: string; device_id: string }>(
    "select user_id, device_id from ghosts where not device_made",
  );
  for (const { user_id: userId, device_id: deviceId } of rows) {
    await tx.query("delete from crypto_databases where starts_with(name, $1)", [`${userId}/${deviceId}::`]);
    await tx.query("update ghosts set device_id = $2, sync_since = null, receiving = false where user_id = $1", [
      userId,
      newDeviceId(),
    ]);
  }
}

/** Whether a bridge runs on the database. */
export async function isRunning(database: Queryable): Promise<boolean> {
  const there = await database.query(
    "select from pg_tables where schemaname = current_schema() and tablename = 'processes'",
  );
  if (there.count === 0) return false;
  return (await database.query("select from processes where process_lives(number)")).count > 0;
}
