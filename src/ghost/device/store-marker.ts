import { getAccountData, putAccountData } from "../../homeserver/calls.ts";
import type { HomeserverClient } from "../../homeserver/client.ts";
import type { Lease } from "../../leases/leases.ts";
import type { DeviceRecord } from "./device-state.ts";
import type { DeviceStore } from "./device-store.ts";

/*
 * A crypto store that went back in time (an old backup of the database was restored) must never be used again: it would
 * encrypt with keys that were used before, and can't read what was sent to it since. So a number is counted up in the
 * database and then written to the ghost's account data; a server that knows a higher one has seen a later store.
 */

const TYPE = "org.matrix-agents.store";

/** Whether the server has seen a later state of the ghost's store than this one. Throws HomeserverError. */
export async function wentBack(client: HomeserverClient, userId: string, record: DeviceRecord): Promise<boolean> {
  // A device that was not there yet, or that is just being replaced, has no past.
  if (!record.deviceMade || record.replaces !== undefined) return false;
  const known = await markerOf(client, userId);
  if (known === undefined) return false;
  return known.deviceId !== record.deviceId || (known.marker !== undefined && known.marker > record.marker);
}

/** What the server knows of a ghost's store; undefined when it knows of none. Throws HomeserverError. */
export async function markerOf(
  client: HomeserverClient,
  userId: string,
): Promise<{ readonly deviceId: unknown; readonly marker: number | undefined } | undefined> {
  const known = await getAccountData(client, { userId }, TYPE);
  if (known === undefined) return undefined;
  const { device_id: deviceId, marker } = known;
  return { deviceId, marker: typeof marker === "number" ? marker : undefined };
}

/** Counts up, here and then on the server. Throws HomeserverError, DatabaseError, StaleLease. */
export async function mark(
  client: HomeserverClient,
  store: DeviceStore,
  lease: Lease,
  deviceId: string,
): Promise<void> {
  const marker = await store.countMarker(lease);
  await putAccountData(client, { userId: lease.ghost }, TYPE, { device_id: deviceId, marker });
}
