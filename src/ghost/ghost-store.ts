import type { Database } from "../database/database.ts";

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

  /**
   * The ghosts whose device is published and signed by their identity, and whose keys are backed up: nothing is left to
   * do.
   */
  async published(): Promise<ReadonlySet<string>> {
    const { rows } = await this.#database.query<{ user_id: string }>(
      "select user_id from ghosts where device_made and cross_signed and secured",
    );
    return new Set(rows.map((row) => row.user_id));
  }

  /** The ghosts that are in an encrypted room and so may get keys, without those of other processes. */
  async userIdsWithKeys(process: number): Promise<string[]> {
    const { rows } = await this.#database.query<{ user_id: string }>(
      `select user_id from ghosts left join leases on ghost = user_id
       where device_made and (owner is null or owner = $1 or not process_lives(owner))
         and exists (select from memberships join rooms using (room_id)
           where memberships.ghost = user_id and membership = 'join' and encryption is not null)
       order by user_id`,
      [process],
    );
    return rows.map((row) => row.user_id);
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
