import type { Device } from "../../homeserver/device-calls.ts";
import { derive, type MasterKey } from "../../sealing/master-key.ts";
import { seal, unseal } from "../../sealing/sealed-text.ts";

/*
 * A device's own token is sealed under a key that derives from the key of the device's store, which survives a change
 * of the master key.
 */

function contextOf(userId: string, deviceId: string): string {
  return `ghosts.access_token\n${userId}\n${deviceId}`;
}

/** Seals a device's token for the database. */
export function sealToken(storeKey: Uint8Array, userId: string, deviceId: string, token: string): string {
  return seal(derive(storeKey, "access token"), Buffer.from(token), contextOf(userId, deviceId));
}

/** Opens the result of {@link sealToken}. Throws SealBroken. */
export function openToken(storeKey: Uint8Array, userId: string, deviceId: string, sealed: string): string {
  return unseal(derive(storeKey, "access token"), sealed, contextOf(userId, deviceId)).toString();
}

/** The device of a record, to act as it while it is not open. Throws SealBroken, MasterKeyError, DatabaseError. */
export async function actorOf(
  masterKey: Pick<MasterKey, "storeKey">,
  record: { readonly userId: string; readonly deviceId: string; readonly accessToken: string | undefined },
): Promise<Device> {
  const { userId, deviceId, accessToken: sealed } = record;
  if (sealed === undefined) return { userId, deviceId };
  const accessToken = openToken(await masterKey.storeKey(userId, deviceId), userId, deviceId, sealed);
  return { userId, deviceId, accessToken };
}
