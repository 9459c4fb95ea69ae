import { markerOf } from "../ghost/device/store-marker.ts";
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
