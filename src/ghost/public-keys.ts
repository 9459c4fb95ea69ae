import type { BackupState } from "../crypto/key-backup.ts";
import type { Queryable } from "../database/database.ts";

/** A ghost's keys in the database. All of them are public. */
export interface GhostKeys {
  readonly userId: string;
  readonly deviceId: string;
  readonly deviceMade: boolean;
  /** The device's Ed25519 key; undefined before there is one. */
  readonly fingerprint: string | undefined;
  /** The identity's master signing key. */
  readonly masterKey: string | undefined;
  /** Whether its room keys are on the homeserver, as far as it has any; they are behind where an upload failed. */
  readonly backup: "not needed yet" | BackupState;
}

/** The public keys of one ghost, or of all of them in the order of their user ids. Throws DatabaseError. */
export async function publicKeys(database: Queryable, userId?: string): Promise<GhostKeys[]> {
  const { rows } = await database.query<{
    user_id: string;
    device_id: string;
    device_made: boolean;
    fingerprint: string | null;
    master_key: string | null;
    backup: GhostKeys["backup"];
  }>(
    `select user_id, device_id, device_made, fingerprint, master_key,
       case when backup_behind then 'behind' when secured then 'complete' else 'not needed yet' end as backup
     from ghosts
     where $1::text is null or user_id = $1 order by user_id`,
    [userId ?? null],
  );
  return rows.map((row) => ({
    userId: row.user_id,
    deviceId: row.device_id,
    deviceMade: row.device_made,
    fingerprint: row.fingerprint ?? undefined,
    masterKey: row.master_key ?? undefined,
    backup: row.backup,
  }));
}
