import type { Database } from "../database/database.ts";

/** The time for which a person who may be setting up their device is looked for, in ms, to be greeted. */
export const GREETING_LOOKS_FOR_MS = 600_000;

/** The time for which a ghost is loaded at each start to look for a late key, and to say that it has not come. */
const KEY_AWAITED_FOR = "1 day";

/** The parts of a ghost that people and their clients look for before they invite it. */
export interface Announced {
  /** The fingerprint of the last profile set on the server. */
  readonly profile: string | undefined;
  /**
   * Whether its device is published and signed by its identity, whose secrets are on the server too; or as far as the
   * homeserver lets it be.
   */
  readonly isPublished: boolean;
}

/** A ghost that may get keys. */
export interface GhostWithKeys {
  readonly userId: string;
  readonly deviceId: string;
  /** The device's own token, sealed; undefined where the bridge acts as the device by its id. */
  readonly accessToken: string | undefined;
  /**
   * The position in /sync of a device that was put away with everything done; undefined where only loading finishes
   * what is open: its process was killed, it is not published or not restored, its room keys could not be backed up,
   * somebody was verifying it, somebody will soon be able to read its greeting, or a message waits for its key.
   */
  readonly restsAt: string | undefined;
}

/** The rows of `ghosts`; their devices are in device/device-store.ts. */
export class GhostStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** All user ids that ever were ghosts. */
  async userIds(): Promise<string[]> {
    const { rows } = await this.#database.query<{ user_id: string }>("select user_id from ghosts order by user_id");
    return rows.map((row) => row.user_id);
  }

  /** The state of every ghost that was ever begun, by its user id. */
  async announced(): Promise<ReadonlyMap<string, Announced>> {
    const { rows } = await this.#database.query<{ user_id: string; profile: string | null; published: boolean }>(
      "select user_id, profile, device_made and (cross_signed or identity_refused) as published from ghosts",
    );
    return new Map(
      rows.map(({ user_id: userId, profile, published }) => [
        userId,
        { profile: profile ?? undefined, isPublished: published },
      ]),
    );
  }

  /** The ghosts that are in an encrypted room and so may get keys, without those of other processes. */
  async withKeys(process: number): Promise<GhostWithKeys[]> {
    const { rows } = await this.#database.query<{
      user_id: string;
      device_id: string;
      access_token: string | null;
      rests_at: string | null;
    }>(
      `select user_id, device_id, access_token,
         case when owner is null and (cross_signed or identity_refused) and not (backup_behind or renew or restore) and replaces is null
           and not exists (select from verifications where verifications.ghost = ghosts.user_id
             and state in ('requested', 'comparing'))
           and not exists (select from memberships where memberships.ghost = user_id and membership = 'join'
             and ungreeted is not null and ungreeted_since > now() - interval '${GREETING_LOOKS_FOR_MS} milliseconds')
           and not exists (select from mailbox where mailbox.ghost = user_id and state = 'awaiting_key'
             and waiting_since > now() - interval '${KEY_AWAITED_FOR}') then sync_since end as rests_at
       from ghosts left join leases on leases.ghost = user_id
       where device_made and (owner is null or owner = $1 or not process_lives(owner))
         and exists (select from memberships join rooms using (room_id)
           where memberships.ghost = user_id and membership = 'join' and encryption is not null)
       order by user_id`,
      [process],
    );
    return rows.map((row) => ({
      userId: row.user_id,
      deviceId: row.device_id,
      accessToken: row.access_token ?? undefined,
      restsAt: row.rests_at ?? undefined,
    }));
  }

  /** The ghosts with a request that only loading performs: a new device, or reading the backup's keys. */
  async toBeReloaded(): Promise<string[]> {
    const { rows } = await this.#database.query<{ user_id: string }>(
      "select user_id from ghosts where renew or (restore and cross_signed) order by user_id",
    );
    return rows.map((row) => row.user_id);
  }

  /** The fingerprint of the last profile set on the server. */
  async profile(userId: string): Promise<string | undefined> {
    const { rows } = await this.#database.query<{ profile: string | null }>(
      "select profile from ghosts where user_id = $1",
      [userId],
    );
    return rows[0]?.profile ?? undefined;
  }

  async setProfile(userId: string, fingerprint: string): Promise<void> {
    await this.#database.query("update ghosts set profile = $2 where user_id = $1", [userId, fingerprint]);
  }
}
