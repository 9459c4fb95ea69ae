import { databaseNames, storeName } from "../crypto/store/names.ts";
import { deleteDatabase } from "../crypto/store/tables.ts";
import type { Queryable } from "../database/database.ts";
import { newDeviceId } from "./device/device-store.ts";

/*
 * An operator's requests about a ghost's keys. The ghost's row of `ghosts` holds them until its process carries them out:
 * a running bridge at its next heartbeat, a stopped one at its next start. All functions throw DatabaseError.
 */

/** Asks for a new device, signed by the same identity. */
export async function askForNewDevice(database: Queryable, userId: string): Promise<void> {
  await database.query("update ghosts set renew = true where user_id = $1", [userId]);
}

/** Asks for a new device of every ghost that has one. */
export async function askForNewDevices(database: Queryable): Promise<void> {
  await database.query("update ghosts set renew = true where device_made");
}

/** Asks for another identity, which comes with the next new device. */
export async function askForNewIdentity(database: Queryable, userId: string): Promise<void> {
  await database.query("update ghosts set reset_identity = true where user_id = $1", [userId]);
}

/** Asks for reading the room keys of the backup. */
export async function askForBackupToBeRead(database: Queryable, userId: string): Promise<void> {
  await database.query("update ghosts set restore = true where user_id = $1", [userId]);
}

/** The ghost's device when all requests are done: it is new, signed, and has the backup's keys. */
export async function finishedDevice(
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

/**
 * Gives ghosts whose devices are not on the homeserver, as far as the database knows, new device ids and empty stores:
 * by now those devices may exist there, with keys that nobody has.
 */
export async function renameUnmadeDevices(tx: Queryable): Promise<void> {
  const { rows } = await tx.query<{ user_id: string; device_id: string }>(
    "select user_id, device_id from ghosts where not device_made",
  );
  for (const { user_id: userId, device_id: deviceId } of rows) {
    for (const { stored } of databaseNames(storeName(userId, deviceId))) await deleteDatabase(tx, stored);
    await tx.query("update ghosts set device_id = $2, sync_since = null, receiving = false where user_id = $1", [
      userId,
      newDeviceId(),
    ]);
  }
}
