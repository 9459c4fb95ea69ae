import { getAccountData, putAccountData } from "../../homeserver/calls.ts";
import type { KeptIdentity } from "../../crypto/identity.ts";
import type { SealedSecrets } from "../../crypto/secret-storage.ts";
import type { HomeserverClient } from "../../homeserver/client.ts";
import type { Lease } from "../../leases/leases.ts";
import type { DeviceRecord } from "./device-state.ts";
import type { DeviceStore } from "./device-store.ts";

/*
 * A crypto store that went back in time (an old backup of the database was restored) must never be used again: it would
 * encrypt with used keys, and could not read later messages. So a number is increased in the database and then written to
 * the ghost's account data; a higher number on the server proves a later store. The secrets of an identity that is not in
 * secret storage yet are kept with it, because a call for each of them would be six more for every new ghost.
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
export async function markerOf(client: HomeserverClient, userId: string): Promise<Marker | undefined> {
  const known = await getAccountData(client, { userId }, TYPE);
  if (known === undefined) return undefined;
  const { device_id: deviceId, marker, identity } = known;
  return { deviceId, marker: typeof marker === "number" ? marker : undefined, identity };
}

/** A marker on the server. */
interface Marker {
  readonly deviceId: unknown;
  readonly marker: number | undefined;
  /** The secrets of the ghost's identity, for {@link readIdentity}. */
  readonly identity: unknown;
}

/**
 * Increases the marker, here and then on the server. Throws HomeserverError, DatabaseError, StaleLease.
 *
 * @param device.sealedIdentity the secrets of its identity, which stay with the marker until secret storage has them.
 */
export async function mark(
  client: HomeserverClient,
  store: DeviceStore,
  lease: Lease,
  device: { readonly deviceId: string; readonly sealedIdentity: () => Promise<SealedSecrets> },
): Promise<void> {
  const { marker, crossSigned, secured } = await store.countMarker(lease);
  const actor = { userId: lease.ghost };
  const identity = async (): Promise<unknown> => {
    if (secured) return undefined;
    // Of an identity whose secrets this bridge can't open, they stay for somebody who brings their key.
    return crossSigned ? device.sealedIdentity() : (await markerOf(client, lease.ghost))?.identity;
  };
  await putAccountData(client, actor, TYPE, { device_id: device.deviceId, marker, identity: await identity() });
}

/** Keeps a new identity's secrets with the marker of the device that has made it. */
export function keptWithMarker(
  client: HomeserverClient,
  store: DeviceStore,
  lease: Lease,
  deviceId: string,
): KeptIdentity {
  const { ghost: userId } = lease;
  return {
    keep: async (identity) => {
      const { marker } = await store.countMarker(lease, { isIdentityNew: true });
      await putAccountData(client, { userId }, TYPE, { device_id: deviceId, marker, identity });
    },
    kept: async () => (await markerOf(client, userId))?.identity,
  };
}
