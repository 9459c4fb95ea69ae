import type { BackupState } from "../crypto/key-backup.ts";
import type { Queryable } from "../database/database.ts";

/** A ghost's keys in the database. All of them are public. */
export interface GhostKeys {
  readonly userId: string;
  readonly deviceId: string;
  readonly deviceMade: boolean;
  /** The former device, as long as it is not deleted yet. */
  readonly replaces?: string | undefined;
  /** Whether the device has a token of its own, without which nobody can act as it. */
  readonly hasToken: boolean;
  /** The device's Ed25519 key; undefined before there is one. */
  readonly fingerprint: string | undefined;
  /** The identity's master signing key. */
  readonly masterKey: string | undefined;
  /** Whether the homeserver took no identity, so that the device is not signed. */
  readonly identityRefused: boolean;
  /** Whether its room keys are on the homeserver, as far as it has any; they are behind where an upload failed. */
  readonly backup: "not needed yet" | BackupState;
}

/** The public keys of one ghost, or of all of them in the order of their user ids. Throws DatabaseError. */
export async function publicKeys(database: Queryable, userId?: string): Promise<GhostKeys[]> {
  const { rows } = await database.query<{
    user_id: string;
    device_id: string;
    device_made: boolean;
    replaces: string | null;
    has_token: boolean;
    identity_refused: boolean;
    fingerprint: string | null;
    master_key: string | null;
    backup: GhostKeys["backup"];
  }>(
    `select user_id, device_id, device_made, replaces, access_token is not null as has_token, identity_refused, fingerprint, master_key,
       case when backup_behind then 'behind' when secured then 'complete' else 'not needed yet' end as backup
     from ghosts
     where $1::text is null or user_id = $1 order by user_id`,
    [userId ?? null],
  );
  return rows.map((row) => ({
    userId: row.user_id,
    deviceId: row.device_id,
    deviceMade: row.device_made,
    replaces: row.replaces ?? undefined,
    hasToken: row.has_token,
    identityRefused: row.identity_refused,
    fingerprint: row.fingerprint ?? undefined,
    masterKey: row.master_key ?? undefined,
    backup: row.backup,
  }));
}
