import { markerOf } from "../ghost/device/store-marker.ts";
import type { HomeserverClient } from "../homeserver/client.ts";

/*
 * A restored crypto store may be older than its device's latest messages: it would encrypt with used keys, and could not
 * read messages sent to it meanwhile. The homeserver holds a number that rises whenever a store is opened
 * (ghost/device/store-marker.ts).
 */

/** A ghost as the backup describes it. */
export interface BackedUpGhost {
  readonly userId: string;
  readonly deviceId: string;
  readonly deviceMade: boolean;
  /** Whether it gets a new device in any case. */
  readonly renew: boolean;
  readonly marker: number;
}

/**
 * The ghosts whose devices may have been used since the backup: those in use while it was made, and those whose store
 * the homeserver knows in another state. Throws HomeserverError.
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
