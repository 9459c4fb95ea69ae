import { getAccountData, putAccountData } from "../../homeserver/calls.ts";
import type { HomeserverClient } from "../../homeserver/client.ts";
import type { Lease } from "../../leases/leases.ts";
import type { DeviceRecord } from "./device-state.ts";
import type { DeviceStore } from "./device-store.ts";

/*
 * A crypto store that went back in time (an old backup of the database was restored) must never be used again: it would
 * encrypt with used keys, and could not read later messages. So a number is increased in the database and then written to
 * the ghost's account data; a higher number on the server proves a later store.
 */

const TYPE = "org.matrix-agents.store";

/** Whether the server has seen a later state of the ghost's store. Throws HomeserverError. */
export async function wentBack(client: HomeserverClient, userId: string, record: DeviceRecord): Promise<boolean> {
  // A device that did not exist before, or is being replaced, has no past.
  if (!record.deviceMade || record.replaces !== undefined) return false;
  const known = await markerOf(client, userId);
  if (known === undefined) return false;
  return known.deviceId !== record.deviceId || (known.marker !== undefined && known.marker > record.marker);
}

/** The server's marker of a ghost's store; undefined when there is none. Throws HomeserverError. */
export async function markerOf(
  client: HomeserverClient,
  userId: string,
): Promise<{ readonly deviceId: unknown; readonly marker: number | undefined } | undefined> {
  const known = await getAccountData(client, { userId }, TYPE);
  if (known === undefined) return undefined;
  const { device_id: deviceId, marker } = known;
  return { deviceId, marker: typeof marker === "number" ? marker : undefined };
}

/** Increases the marker, here and then on the server. Throws HomeserverError, DatabaseError, StaleLease. */
export async function mark(
  client: HomeserverClient,
  store: DeviceStore,
  lease: Lease,
  deviceId: string,
): Promise<void> {
  const marker = await store.countMarker(lease);
  await putAccountData(client, { userId: lease.ghost }, TYPE, { device_id: deviceId, marker });
}
