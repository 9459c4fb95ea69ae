import { deleteInBatches } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";
import { storable } from "../database/text.ts";
import { LANGUAGES, type Language } from "../language/languages.ts";
import { fencedAtOnce, type Lease } from "../leases/leases.ts";
import type { MembershipChange } from "./routing.ts";
import { adoptEvents, beginAdoption } from "./stored-events.ts";

/** A ghost's membership of a room. */
export interface Membership {
  readonly membership: string;
  /** Whether the invite, or `m.direct`, calls the room a direct chat; direct-chat.ts decides whether it is one. */
  readonly calledDirect: boolean;
}

/**
 * The rows of `memberships`: the rooms that ghosts are in, by which their mail is found. Here rather than with the ghosts,
 * because they are written in the transaction that stores the events that tell of them. Methods throw DatabaseError.
 */
export class Memberships {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The ghost's membership of a room; undefined when it was never there. */
  async membership(userId: string, roomId: string): Promise<Membership | undefined> {
    const { rows } = await this.#database.query<{ membership: string; direct: boolean }>(
      "select membership, direct from memberships where ghost = $1 and room_id = $2",
      [userId, roomId],
    );
    const row = rows[0];
    return row && { membership: row.membership, calledDirect: row.direct };
  }

  /** The language in which people write to a ghost in a room, where none of their messages are kept; undefined when none is known yet. */
  async spokenLanguage(
    ghost: string,
    roomId: string,
    database: Queryable = this.#database,
  ): Promise<Language | undefined> {
    const { rows } = await database.query<{ spoken: string | null }>(
      "select spoken from memberships where ghost = $1 and room_id = $2",
      [ghost, roomId],
    );
    return LANGUAGES.find((language) => language === rows[0]?.spoken);
  }

  async setSpokenLanguage(ghost: string, roomId: string, language: Language): Promise<void> {
    await this.#database.query(
      "update memberships set spoken = $3 where ghost = $1 and room_id = $2 and spoken is distinct from $3",
      [ghost, roomId, language],
    );
  }

  /** Records the person to greet in a room as soon as they can read it; undefined: nobody. */
  async setUngreeted(lease: Lease, roomId: string, inviter: string | undefined): Promise<void> {
    await this.#update(
      lease,
      `update memberships set ungreeted = $3,
         ungreeted_since = case when $3::text is null then null else coalesce(ungreeted_since, now()) end
       where ghost = $1 and room_id = $2 and ungreeted is distinct from $3`,
      [roomId, inviter ?? null],
    );
  }

  /**
   * The people who still wait for a greeting, with their rooms and waiting times by the database's clock: the latest
   * few.
   */
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

  /** Some rooms that are recorded as the ghost's direct chats and that a person is in too, or invited to, as far as known. */
  async calledDirectWith(userId: string, person: string): Promise<string[]> {
    const { rows } = await this.#database.query<{ room_id: string }>(
      `select room_id from memberships join room_members person using (room_id)
       where ghost = $1 and direct and memberships.membership = 'join'
         and person.user_id = $2 and person.membership in ('join', 'invite') order by person.membership = 'join' desc, room_id
       limit 20`,
      [userId, person],
    );
    return rows.map((row) => row.room_id);
  }

  /** Those of some people who share a room with the ghost or are invited to one, as far as known. */
  async neighbours(userId: string, people: readonly string[]): Promise<string[]> {
    const { rows } = await this.#database.query<{ user_id: string }>(
      `select distinct person.user_id from memberships join room_members person using (room_id)
       where ghost = $1 and memberships.membership = 'join' and person.membership in ('join', 'invite')
         and person.user_id = any($2::text[])`,
      [userId, people.map(storable)],
    );
    return rows.map((row) => row.user_id);
  }

  /** The rooms that the ghost is in, as far as known. */
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
   * Records the server's list of a ghost's rooms, for memberships that no event announced (for example after a restored
   * backup). Known facts about a room, such as being a direct chat, stay.
   */
  async reconcile(userId: string, joined: readonly string[], direct: ReadonlySet<string>): Promise<void> {
    await this.#database.transaction(async (tx) => {
      await beginAdoption(tx);
      await tx.query(
        `insert into memberships (ghost, room_id, membership, direct)
         select $1, r."roomId", 'join', r.direct from json_to_recordset($2::json) as r("roomId" text, direct boolean)
         on conflict (ghost, room_id) do update set membership = 'join' where memberships.membership not in ('join')`,
        [userId, JSON.stringify(joined.map((roomId) => ({ roomId, direct: direct.has(roomId) })))],
      );
      await adoptEvents(tx, userId, joined);
    });
  }

  /** Records that a room is a direct chat although no invite said so: it replaces one, or the ghost has made it. */
  async setDirect(userId: string, roomId: string): Promise<void> {
    await this.#database.query(
      `insert into memberships (ghost, room_id, membership, direct) values ($1, $2, 'join', true)
       on conflict (ghost, room_id) do update set membership = 'join', direct = true`,
      [userId, roomId],
    );
  }

  /** Writes as the ghost's owner; `$1` is the ghost. Throws StaleLease. */
  async #update(lease: Lease, sql: string, values: readonly unknown[]): Promise<void> {
    await fencedAtOnce(this.#database, lease, (tx) => tx.query(sql, [lease.ghost, ...values]));
  }
}

/**
 * Records a ghost's membership. An invite to a room that the ghost is in is late or repeated, or follows a leave that
 * was never reported. The ghost itself resolves this; until then it stays joined, and the room's kind is unchanged.
 */
export async function storeMembership(tx: Queryable, change: MembershipChange): Promise<void> {
  await tx.query(
    `insert into memberships (ghost, room_id, membership, direct) values ($1, $2, $3, $4)
     on conflict (ghost, room_id) do update set
       membership = case when memberships.membership = 'join' and excluded.membership = 'invite' then 'join'
         else excluded.membership end,
       changed_at = now(),
       direct = case when excluded.membership = 'invite' and memberships.membership <> 'join' then excluded.direct
         else memberships.direct end`,
    [change.ghost, change.roomId, change.membership, change.direct],
  );
}

/** The days for which a person without a device is looked for, and the most such people at once. */
const UNGREETED_DAYS = 30;
const MAX_UNGREETED = 20;

/** Deletes old memberships of rooms that ghosts left, and old invites. Returns the number of rows. */
export function pruneMemberships(database: Database, olderThanDays: number, signal?: AbortSignal): Promise<number> {
  const where = "membership not in ('join', 'invite') and changed_at < now() - $1 * interval '1 day'";
  return deleteInBatches(database, { from: "memberships", where, values: [olderThanDays] }, signal);
}
