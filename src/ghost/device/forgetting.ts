import type { CryptoStore } from "../../crypto/store/crypto-store.ts";
import type { Database } from "../../database/database.ts";
import { isStorable } from "../../database/text.ts";
import type { HomeserverClient } from "../../homeserver/client.ts";
import { backupKeys, backupVersion, deleteBackupKey } from "../../homeserver/key-backup-calls.ts";
import { fenced, fencedAtOnce, type Lease } from "../../leases/leases.ts";

/** The parts that forgetting needs. */
export interface Forgetting {
  readonly database: Database;
  readonly client: HomeserverClient;
  readonly cryptoStore: CryptoStore;
  readonly lease: Lease;
  readonly deviceId: string;
  /** The age at which room keys are forgotten, in ms. */
  readonly afterMs: number;
}

/**
 * Deletes a ghost's old room keys, in its store (which must not be open) and in its backup, so that a later intruder
 * can't read old messages. Returns their number. Throws StaleLease, DatabaseError and HomeserverError.
 */
export async function forgetOldKeys(options: Forgetting): Promise<{ store: number; backup: number }> {
  const { cryptoStore, lease, deviceId, afterMs } = options;
  return { store: await cryptoStore.forgetRoomKeys(lease, deviceId, afterMs), backup: await pruneBackup(options) };
}

async function pruneBackup({ database, client, lease, afterMs }: Forgetting): Promise<number> {
  const actor = { userId: lease.ghost };
  const current = await backupVersion(client, actor);
  if (current === undefined || current.count === 0) return 0;
  const kept = await backupKeys(client, actor, current.version);
  const ids = kept
    .map(({ roomId, sessionId }) => ({ roomId, sessionId }))
    .filter(({ roomId, sessionId }) => isStorable(roomId) && isStorable(sessionId));
  const old = await fenced(database, lease, async (tx) => {
    await tx.query(
      `insert into backed_up_keys (ghost, room_id, session_id)
       select $1, k."roomId", k."sessionId" from json_to_recordset($2::json) as k("roomId" text, "sessionId" text)
       on conflict do nothing`,
      [lease.ghost, JSON.stringify(ids)],
    );
    const { rows } = await tx.query<{ room_id: string; session_id: string }>(
      `select room_id, session_id from backed_up_keys
       where ghost = $1 and seen_at < now() - $2 * interval '1 millisecond'`,
      [lease.ghost, afterMs],
    );
    return rows;
  });
  for (const { room_id: roomId, session_id: sessionId } of old) {
    await deleteBackupKey(client, actor, { version: current.version, roomId, sessionId });
    await fencedAtOnce(database, lease, (tx) =>
      tx.query("delete from backed_up_keys where ghost = $1 and room_id = $2 and session_id = $3", [
        lease.ghost,
        roomId,
        sessionId,
      ]),
    );
  }
  return old.length;
}
