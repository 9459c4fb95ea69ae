import type { Actor } from "../audit/audit-entry.ts";
import { AuditLog } from "../audit/audit-log.ts";
import { databaseNames, storeName } from "../crypto/store/names.ts";
import { deleteDatabase } from "../crypto/store/tables.ts";
import type { Database, Queryable } from "../database/database.ts";
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

/** As {@link askForNewDevice}, with an entry in the audit log. */
export function requestNewDevice(database: Database, userId: string, by: Actor): Promise<void> {
  return database.transaction(async (tx) => {
    await askForNewDevice(tx, userId);
    await noteRequest(database, tx, "keys new-device", userId, by);
  });
}

/** Asks for another identity and a new device that it signs, with an entry in the audit log. */
export function requestNewIdentity(database: Database, userId: string, by: Actor): Promise<void> {
  return database.transaction(async (tx) => {
    await tx.query("update ghosts set reset_identity = true where user_id = $1", [userId]);
    await askForNewDevice(tx, userId);
    await noteRequest(database, tx, "keys reset-identity", userId, by);
  });
}

function noteRequest(database: Database, tx: Queryable, command: string, subject: string, by: Actor): Promise<void> {
  return new AuditLog(database).record(tx, { kind: "admin.command", by, command, subject });
}

/** Asks for reading the room keys of the backup. */
export async function askForBackupToBeRead(database: Queryable, userId: string): Promise<void> {
  await database.query("update ghosts set restore = true where user_id = $1", [userId]);
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
