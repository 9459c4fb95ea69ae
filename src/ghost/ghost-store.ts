import { randomInt } from "node:crypto";
import { AuditLog } from "../audit/audit-log.ts";
import { deleteInBatches } from "../database/batches.ts";
import type { Database } from "../database/database.ts";
import { storable } from "../database/text.ts";
import { adoptEvents } from "../mailbox/mailbox.ts";
import { fenced, type Lease } from "../leases/leases.ts";

/** What is kept of a ghost. */
export interface GhostRecord {
  readonly deviceId: string;
  readonly deviceMade: boolean;
  readonly since: string | undefined;
  readonly crossSigned: boolean;
  /** Fingerprint of the profile that was last set on the server. */
  readonly profile: string | undefined;
  /** Whether the identity's secrets and the room keys are kept on the server, too. */
  readonly secured: boolean;
  /** Whether a new device is to be made. */
  readonly renew: boolean;
  /** Whether another identity is to be made with it. */
  readonly resetIdentity: boolean;
  /** The device that this one takes the place of, until it has done so. */
  readonly replaces: string | undefined;
  /** Whether the room keys of the backup are to be read in. */
  readonly restore: boolean;
  /** See store-marker.ts. */
  readonly marker: number;
}

/** A ghost's place in a room. */
export interface Membership {
  readonly membership: string;
  /** Whether the invite, or `m.direct`, called the room a direct chat. Whether it is one, see direct-chat.ts. */
  readonly calledDirect: boolean;
}

/** The rows of `ghosts` and `memberships`. */
export class GhostStore {
  readonly #database: Database;
  readonly #audit: AuditLog;

  constructor(database: Database) {
    this.#database = database;
    this.#audit = new AuditLog(database);
  }

  /** All user ids that ever were ghosts. */
  async userIds(): Promise<string[]> {
    const { rows } = await this.#database.query<{ user_id: string }>("select user_id from ghosts order by user_id");
    return rows.map((row) => row.user_id);
  }

  /** The ghosts whose device is published, signed by their identity, and whose keys are in safety: nothing is left to do. */
  async published(): Promise<ReadonlySet<string>> {
    const { rows } = await this.#database.query<{ user_id: string }>(
      "select user_id from ghosts where device_made and cross_signed and secured",
    );
    return new Set(rows.map((row) => row.user_id));
  }

  /** The ghosts that are in an encrypted room and so have keys to hear of, those of other processes left out. */
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

  /** The ghost's record, made with a device id of its own when it is the first time. The id never changes by itself. */
  async ensure(userId: string): Promise<GhostRecord> {
    await this.#database.query("insert into ghosts (user_id, device_id) values ($1, $2) on conflict do nothing", [
      userId,
      newDeviceId(),
    ]);
    const { rows } = await this.#database.query<{
      device_id: string;
      device_made: boolean;
      sync_since: string | null;
      cross_signed: boolean;
      profile: string | null;
      secured: boolean;
      renew: boolean;
      reset_identity: boolean;
      replaces: string | null;
      restore: boolean;
      marker: number;
    }>(
      `select device_id, device_made, sync_since, cross_signed, profile, secured, renew, reset_identity, replaces,
         restore, marker
       from ghosts where user_id = $1`,
      [userId],
    );
    const row = rows[0];
    if (row === undefined) throw new Error(`the record of ${userId} has vanished`);
    return {
      deviceId: row.device_id,
      deviceMade: row.device_made,
      since: row.sync_since ?? undefined,
      crossSigned: row.cross_signed,
      profile: row.profile ?? undefined,
      secured: row.secured,
      renew: row.renew,
      resetIdentity: row.reset_identity,
      replaces: row.replaces ?? undefined,
      restore: row.restore,
      marker: row.marker,
    };
  }

  /** Begins a new device in place of the one there is. It is to be made, signed, and given the keys of the backup. */
  async replaceDevice(lease: Lease): Promise<void> {
    await this.#update(
      lease,
      `update ghosts set replaces = device_id, device_id = $2, device_made = false, sync_since = null, receiving = false,
         cross_signed = false, fingerprint = null, renew = false, restore = true where user_id = $1`,
      [newDeviceId()],
    );
  }

  /** The new device has taken the old one's place. */
  async replaced(lease: Lease): Promise<void> {
    await this.#update(lease, "update ghosts set replaces = null where user_id = $1", []);
  }

  /** Keeps the public keys, for people to compare. */
  async setKeys(lease: Lease, fingerprint: string, masterKey: string | undefined): Promise<void> {
    await this.#update(lease, "update ghosts set fingerprint = $2, master_key = $3 where user_id = $1", [
      fingerprint,
      masterKey ?? null,
    ]);
  }

  async setSecured(lease: Lease): Promise<void> {
    await this.#update(lease, "update ghosts set secured = true where user_id = $1", []);
  }

  async setRestored(lease: Lease): Promise<void> {
    await this.#update(lease, "update ghosts set restore = false where user_id = $1", []);
  }

  /** Counts the store's marker up; see store-marker.ts. */
  async countMarker(lease: Lease): Promise<number> {
    return fenced(this.#database, lease, async (tx) => {
      const { rows } = await tx.query<{ marker: number }>(
        "update ghosts set marker = marker + 1 where user_id = $1 returning marker",
        [lease.ghost],
      );
      return rows[0]?.marker ?? 0;
    });
  }

  /** The ghosts for which something was asked that only a load does: a new device, the keys of the backup. */
  async toBeReloaded(): Promise<string[]> {
    const { rows } = await this.#database.query<{ user_id: string }>(
      "select user_id from ghosts where renew or (restore and cross_signed) order by user_id",
    );
    return rows.map((row) => row.user_id);
  }

  async saveSince(lease: Lease, since: string): Promise<void> {
    await this.#update(lease, "update ghosts set sync_since = $2, receiving = false where user_id = $1", [since]);
  }

  async setDeviceMade(lease: Lease): Promise<void> {
    await fenced(this.#database, lease, async (tx) => {
      const { rows } = await tx.query<{ device_id: string; replaces: string | null }>(
        "update ghosts set device_made = true where user_id = $1 returning device_id, replaces",
        [lease.ghost],
      );
      for (const { device_id: device, replaces } of rows) {
        const entry = { kind: "device.new", ghost: lease.ghost, device, replaces: replaces ?? undefined } as const;
        await this.#audit.record(tx, entry);
      }
    });
  }

  /** @param options.restore whether the room keys of the backup are to be read in, for the identity was there before. */
  async setCrossSigned(lease: Lease, { restore }: { readonly restore: boolean }): Promise<void> {
    await fenced(this.#database, lease, async (tx) => {
      const { count } = await tx.query("select from ghosts where user_id = $1 and reset_identity", [lease.ghost]);
      await tx.query(
        "update ghosts set cross_signed = true, reset_identity = false, restore = restore or $2 where user_id = $1",
        [lease.ghost, restore],
      );
      if (count > 0) await this.#audit.record(tx, { kind: "identity.reset", ghost: lease.ghost });
    });
  }

  async setProfile(userId: string, fingerprint: string): Promise<void> {
    await this.#database.query("update ghosts set profile = $2 where user_id = $1", [userId, fingerprint]);
  }

  /** The ghost's place in a room; undefined when it was never there. */
  async membership(userId: string, roomId: string): Promise<Membership | undefined> {
    const { rows } = await this.#database.query<{ membership: string; direct: boolean }>(
      "select membership, direct from memberships where ghost = $1 and room_id = $2",
      [userId, roomId],
    );
    const row = rows[0];
    return row && { membership: row.membership, calledDirect: row.direct };
  }

  /** Notes who is to be greeted in a room as soon as they can read it; undefined: nobody. */
  async setUngreeted(lease: Lease, roomId: string, inviter: string | undefined): Promise<void> {
    await this.#update(
      lease,
      `update memberships set ungreeted = $3,
         ungreeted_since = case when $3::text is null then null else coalesce(ungreeted_since, now()) end
       where ghost = $1 and room_id = $2 and ungreeted is distinct from $3`,
      [roomId, inviter ?? null],
    );
  }

  /** Who is to be greeted yet, where, and for how long they have waited by the database's clock: the latest few. */
  async ungreeted(userId: string): Promise<
    {
      readonly roomId: string;
      readonly inviter: string;
      readonly waitsForMs: number;
    }[]
  > {
    const { rows } = await this.#database.query<{
      room_id: string;
      ungreeted: string;
      waits_ms: number;
    }>(
      `select room_id, ungreeted, extract(epoch from now() - ungreeted_since) * 1000 as waits_ms
       from memberships where ghost = $1 and membership = 'join' and ungreeted is not null
         and ungreeted_since > now() - interval '${UNGREETED_DAYS} days'
       order by ungreeted_since desc limit ${MAX_UNGREETED}`,
      [userId],
    );
    return rows.map((row) => ({
      roomId: row.room_id,
      inviter: row.ungreeted,
      waitsForMs: row.waits_ms,
    }));
  }

  /** Some rooms that were called direct chats of the ghost, and that somebody is in too, as far as is known. */
  async calledDirectWith(userId: string, person: string): Promise<string[]> {
    const { rows } = await this.#database.query<{ room_id: string }>(
      `select room_id from memberships join room_members person using (room_id)
       where ghost = $1 and direct and memberships.membership = 'join'
         and person.user_id = $2 and person.membership = 'join' order by room_id limit 20`,
      [userId, person],
    );
    return rows.map((row) => row.room_id);
  }

  /** Those of some people who are in a room with the ghost, or invited to one, as far as is known. */
  async neighbours(userId: string, people: readonly string[]): Promise<string[]> {
    const { rows } = await this.#database.query<{ user_id: string }>(
      `select distinct person.user_id from memberships join room_members person using (room_id)
       where ghost = $1 and memberships.membership = 'join' and person.membership in ('join', 'invite')
         and person.user_id in (select json_array_elements_text($2::json))`,
      [userId, JSON.stringify(people.map(storable))],
    );
    return rows.map((row) => row.user_id);
  }

  /** The rooms that the ghost is in, as far as is known. */
  async joinedRooms(userId: string): Promise<string[]> {
    const { rows } = await this.#database.query<{ room_id: string }>(
      "select room_id from memberships where ghost = $1 and membership = 'join'",
      [userId],
    );
    return rows.map((row) => row.room_id);
  }

  /** The ghosts that are in a room. */
  async ghostsIn(roomId: string): Promise<string[]> {
    const { rows } = await this.#database.query<{ ghost: string }>(
      "select ghost from memberships where room_id = $1 and membership = 'join' order by ghost",
      [roomId],
    );
    return rows.map((row) => row.ghost);
  }

  /**
   * Sets what the server says of the rooms a ghost is in, for memberships that no event told us of (a database restored
   * from a backup). What is known of a room already, DM or not and since when, stays.
   */
  async reconcile(userId: string, joined: readonly string[], direct: ReadonlySet<string>): Promise<void> {
    await this.#database.transaction(async (tx) => {
      await tx.query(
        `insert into memberships (ghost, room_id, membership, direct)
         select $1, r."roomId", 'join', r.direct from json_to_recordset($2::json) as r("roomId" text, direct boolean)
         on conflict (ghost, room_id) do update set membership = 'join' where memberships.membership not in ('join')`,
        [userId, JSON.stringify(joined.map((roomId) => ({ roomId, direct: direct.has(roomId) })))],
      );
      await adoptEvents(tx, userId, joined);
    });
  }

  /** Notes that a room the ghost is in is a DM, though no invite said so: it goes on from one. */
  async setDirect(userId: string, roomId: string): Promise<void> {
    await this.#database.query(
      `insert into memberships (ghost, room_id, membership, direct) values ($1, $2, 'join', true)
       on conflict (ghost, room_id) do update set membership = 'join', direct = true`,
      [userId, roomId],
    );
  }

  /** Writes what only the ghost's owner may; `$1` is the ghost. Throws StaleLease. */
  async #update(lease: Lease, sql: string, values: readonly unknown[]): Promise<void> {
    await fenced(this.#database, lease, (tx) => tx.query(sql, [lease.ghost, ...values]));
  }
}

/** Whoever has no device after so long is not looked for any more; nor are more than so many at once. */
const UNGREETED_DAYS = 30;
const MAX_UNGREETED = 20;

/** Ten capital letters, as other clients' device ids look. */
export function newDeviceId(): string {
  return Array.from({ length: 10 }, () => String.fromCharCode(65 + randomInt(26))).join("");
}

/** Forgets that ghosts were in rooms, or invited, which they left long ago. Returns how many rows. */
export function pruneMemberships(database: Database, olderThanDays: number, signal?: AbortSignal): Promise<number> {
  const where = "membership not in ('join', 'invite') and changed_at < now() - $1 * interval '1 day'";
  return deleteInBatches(database, { from: "memberships", where, values: [olderThanDays] }, signal);
}
