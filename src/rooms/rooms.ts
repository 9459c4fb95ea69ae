import { storable } from "../database/text.ts";
import type { Database, Queryable } from "../database/database.ts";
import type { Logger } from "../observability/log.ts";
import type { StateEvent } from "../homeserver/room-calls.ts";
import type { RoomEvent } from "../homeserver/transaction.ts";
import { isCiphertext, markByMessage } from "./encrypted-by-message.ts";
import { isLine } from "./line.ts";
import { isModerator, parseCreators } from "./power.ts";
import { distinctName, localpartOf } from "./names.ts";
import { nameOf, parseEncryption, parseHistoryVisibility, parseMaxLifetime, parseMembers } from "./room-state.ts";
import { getsKeys, type RoomView } from "./room-view.ts";

/** State events that change something we store of a room. */
const WATCHED = new Set([
  "m.room.member",
  "m.room.encryption",
  "m.room.history_visibility",
  "m.room.power_levels",
  "m.room.name",
  "m.room.retention",
]);

/** The types of state events that {@link Rooms.view} reads, out of everything that members have put there. */
export const READ_STATE: ReadonlySet<string> = new Set([...WATCHED, "m.room.create"]);

/** Reads a room's current state from the server, as a ghost in it: all events of {@link READ_STATE}. */
export type ReadState = (roomId: string) => Promise<readonly StateEvent[]>;

/**
 * The stored knowledge of rooms. The state on the server is the truth: events only say that a reading is outdated. So
 * nothing depends on the order of old events after a pause, and a member who has left is never taken for present.
 */
export class Rooms {
  readonly #database: Database;
  readonly #log: Logger;
  readonly #reading = new Map<string, Promise<void>>();

  constructor(database: Database, log: Logger) {
    this.#database = database;
    this.#log = log;
  }

  /**
   * Records events, in the transaction that stores them. Encryption counts from its first event on for ever, whatever
   * comes later. An encrypted message proves it too, because a homeserver could withhold the room's state.
   *
   * @param options.isLate whether the events are older than the recorded ones.
   */
  async note(
    tx: Queryable,
    events: readonly RoomEvent[],
    { isLate = false }: { readonly isLate?: boolean } = {},
  ): Promise<void> {
    const changed = new Set<string>();
    const encryptions: RoomEvent[] = [];
    for (const event of events) {
      if (event.state_key === undefined || !WATCHED.has(event.type)) continue;
      changed.add(event.room_id);
      if (event.type === "m.room.encryption" && event.state_key === "") encryptions.push(event);
    }
    await Promise.all([
      markByMessage(tx, new Set(events.filter(isCiphertext).map(({ room_id }) => room_id))),
      isLate ? undefined : this.#noteLatest(tx, events),
      changed.size === 0 ? undefined : this.#noteChanged(tx, changed),
      ...encryptions.map((event) =>
        tx.query(
          "update rooms set encryption = coalesce(encryption, $2), marked_by_message = false where room_id = $1",
          [event.room_id, JSON.stringify(event.content)],
        ),
      ),
    ]);
  }

  async #noteChanged(tx: Queryable, roomIds: ReadonlySet<string>): Promise<void> {
    await tx.query(
      `insert into rooms (room_id) select unnest($1::text[])
       on conflict (room_id) do update set changes = rooms.changes + 1`,
      [[...roomIds]],
    );
  }

  async #noteLatest(tx: Queryable, events: readonly RoomEvent[]): Promise<void> {
    const latest = new Map(events.filter(isLine).map((event) => [event.room_id, event.event_id]));
    if (latest.size === 0) return;
    await tx.query(
      `insert into rooms (room_id, latest)
       select r."roomId", r.latest from json_to_recordset($1::json) as r("roomId" text, latest text)
       order by r."roomId" on conflict (room_id) do update set latest = excluded.latest`,
      [JSON.stringify([...latest].map(([roomId, eventId]) => ({ roomId, latest: eventId })))],
    );
  }

  /** Whether an event is the last line of a direct chat of a ghost and one other user, as far as we know. */
  async isLatestOfTwo(ghost: string, roomId: string, eventId: string): Promise<boolean> {
    const { count } = await this.#database.query(
      `select from rooms join memberships using (room_id)
       where room_id = $1 and latest = $2 and ghost = $3 and direct
         and (select array_agg(user_id = $3 order by user_id = $3) from (
           select user_id from room_members where room_id = $1 and membership in ('join', 'invite') limit 3
         ) as few) = array[false, true]`,
      [roomId, eventId, ghost],
    );
    return count > 0;
  }

  /**
   * The room's present state, read from the server when an event said that it changed. Throws the error of `readState`:
   * without the state nothing may be sent, least of all unencrypted.
   */
  async view(roomId: string, readState: ReadState): Promise<RoomView> {
    return (await this.viewWith(roomId, readState, () => Promise.resolve())).view;
  }

  /** The same with what `read` finds in the stored state: in one round trip where the room has not changed. */
  async viewWith<T>(
    roomId: string,
    readState: ReadState,
    read: () => Promise<T>,
  ): Promise<{ readonly view: RoomView; readonly found: T }> {
    for (;;) {
      const [{ view }, found] = await Promise.all([this.lastSeen(roomId), read()]);
      if (view !== undefined) return { view, found };
      await this.#readOnce(roomId, readState);
    }
  }

  /**
   * The room's present state as stored, undefined when an event said that it has changed since the last reading; and the
   * room's last line, by anybody, as far as we know.
   */
  async lastSeen(roomId: string): Promise<SeenRoom> {
    const { rows } = await this.#database.query<RoomRow>(
      "select encryption, history_visibility, name, latest, changes, read_at_change from rooms where room_id = $1",
      [roomId],
    );
    const row = rows[0];
    if (row === undefined) return { view: undefined, latest: undefined, isEncrypted: true };
    const latest = row.latest ?? undefined;
    const isEncrypted = row.encryption !== null || row.read_at_change === 0;
    if (row.read_at_change < row.changes) return { view: undefined, latest, isEncrypted };
    const view = {
      encryption: row.encryption === null ? undefined : parseEncryption(JSON.parse(row.encryption)),
      historyVisibility: parseHistoryVisibility(row.history_visibility),
      name: row.name ?? undefined,
    };
    return { view, latest, isEncrypted };
  }

  /** The users who get a room key; see {@link getsKeys}. */
  async recipients(roomId: string, view: RoomView): Promise<string[]> {
    const memberships = ["join", "invite"].filter((membership) => getsKeys(view, membership));
    const { rows } = await this.#database.query<{ user_id: string }>(
      `select user_id from room_members where room_id = $1
       and membership = any($2::text[]) order by user_id`,
      [roomId, memberships],
    );
    return rows.map((row) => row.user_id);
  }

  /** Whether a user may redact others' messages in the room, by the last reading. */
  async isModerator(roomId: string, userId: string): Promise<boolean> {
    const { rows } = await this.#database.query<{ power_levels: string | null; creators: string | null }>(
      "select power_levels, creators from rooms where room_id = $1",
      [roomId],
    );
    const { power_levels: levels, creators } = rows[0] ?? { power_levels: null, creators: null };
    return isModerator(
      levels === null ? undefined : JSON.parse(levels),
      creators === null ? [] : (JSON.parse(creators) as string[]),
      userId,
    );
  }

  /** The number of joined members, by the last reading. */
  async memberCount(roomId: string): Promise<number> {
    const { rows } = await this.#database.query<{ joined: number }>(
      "select count(*)::integer as joined from room_members where room_id = $1 and membership = 'join'",
      [roomId],
    );
    return rows[0]?.joined ?? 0;
  }

  /** Whether a user is in a room, by the last reading. */
  async isJoined(roomId: string, userId: string): Promise<boolean> {
    const { count } = await this.#database.query(
      "select from room_members where room_id = $1 and user_id = $2 and membership = 'join'",
      [roomId, storable(userId)],
    );
    return count > 0;
  }

  /**
   * The only other joined or invited member besides a user, by the last reading; undefined where there is none, or more
   * than one.
   */
  async soleCompanion(roomId: string, userId: string): Promise<string | undefined> {
    const { rows } = await this.#database.query<{ user_id: string }>(
      `select user_id from room_members where room_id = $1 and membership in ('join', 'invite')
       order by user_id = $2 desc limit 3`,
      [roomId, userId],
    );
    const [own, other, third] = rows.map((row) => row.user_id);
    return own === userId && third === undefined ? other : undefined;
  }

  /**
   * The known rooms, each with the longest time that it lets messages be kept, in ms (undefined: it sets none), and
   * whether that is certain, or may have changed since the reading.
   */
  async lifetimes(): Promise<
    { readonly roomId: string; readonly maxLifetimeMs: number | undefined; readonly isCurrent: boolean }[]
  > {
    const { rows } = await this.#database.query<{ room_id: string; max_lifetime_ms: number | null; current: boolean }>(
      "select room_id, max_lifetime_ms, read_at_change >= changes as current from rooms order by room_id",
    );
    return rows.map((row) => ({
      roomId: row.room_id,
      maxLifetimeMs: row.max_lifetime_ms ?? undefined,
      isCurrent: row.current,
    }));
  }

  /** The room's own limit of its messages' age, in ms, as far as it was read. */
  async lifetimeOf(roomId: string): Promise<number | undefined> {
    const { rows } = await this.#database.query<{ max_lifetime_ms: number | null }>(
      "select max_lifetime_ms from rooms where room_id = $1",
      [roomId],
    );
    return rows[0]?.max_lifetime_ms ?? undefined;
  }

  /**
   * Whether encryption was ever seen in the room, without asking the server. A room whose state was never read counts
   * as encrypted, so that nothing confidential is released for lack of knowledge.
   */
  async isEncrypted(roomId: string): Promise<boolean> {
    const { rows } = await this.#database.query<{ encrypted: boolean }>(
      "select encryption is not null or read_at_change = 0 as encrypted from rooms where room_id = $1",
      [roomId],
    );
    return rows[0]?.encrypted ?? true;
  }

  /** A member's name in the room, or the localpart of the user id. */
  async displayName(roomId: string, userId: string): Promise<string> {
    return (await this.#member(roomId, userId)).name;
  }

  /** The same, with the user id where another member has that name (spec "Calculating the display name for a user"). */
  async speaker(roomId: string, userId: string): Promise<string> {
    const { name, isShared } = await this.#member(roomId, userId);
    return isShared ? distinctName(name, userId) : name;
  }

  async #member(roomId: string, userId: string): Promise<{ readonly name: string; readonly isShared: boolean }> {
    const { rows } = await this.#database.query<{ display_name: string | null; name_is_shared: boolean }>(
      "select display_name, name_is_shared from room_members where room_id = $1 and user_id = $2",
      [roomId, userId],
    );
    const { display_name: name, name_is_shared: isShared } = rows[0] ?? { display_name: null, name_is_shared: false };
    return { name: name ?? localpartOf(userId), isShared };
  }

  /** Ghosts that need the same room at once share one request. */
  #readOnce(roomId: string, readState: ReadState): Promise<void> {
    const running = this.#reading.get(roomId);
    if (running !== undefined) return running;
    const reading = this.#read(roomId, readState).finally(() => this.#reading.delete(roomId));
    this.#reading.set(roomId, reading);
    return reading;
  }

  async #read(roomId: string, readState: ReadState): Promise<void> {
    // The counter is read before the request: a change during the request makes the next look read again.
    const noted = await this.#database.query<{ changes: number; read_at_change: number }>(
      `insert into rooms (room_id) values ($1)
       on conflict (room_id) do update set changes = rooms.changes returning changes, read_at_change`,
      [roomId],
    );
    const { changes = 0, read_at_change: readAt = -1 } = noted.rows[0] ?? {};
    // Another caller has read it between the caller's look and this one.
    if (readAt >= changes) return;
    const state = await readState(roomId);
    const content = (type: string): Readonly<Record<string, unknown>> | undefined =>
      state.find((event) => event.type === type && event.state_key === "")?.content;
    const encryption = content("m.room.encryption");
    const powerLevels = content("m.room.power_levels");
    const name = content("m.room.name")?.["name"];
    const members = parseMembers(state);
    const creators = parseCreators(state.find((event) => event.type === "m.room.create" && event.state_key === ""));

    const isMarked = await this.#database.transaction(async (tx) => {
      // A later m.room.encryption may change the rotation, but one without an algorithm does not end the encryption.
      const { rows } = await tx.query<{ marked_by_message: boolean }>(
        `update rooms set encryption = coalesce($2, encryption), marked_by_message = marked_by_message and not $9,
           history_visibility = $3, power_levels = $4, name = $5,
           creators = $7, max_lifetime_ms = $8, read_at_change = greatest(read_at_change, $6) where room_id = $1
         returning marked_by_message`,
        [
          roomId,
          typeof encryption?.["algorithm"] === "string" ? JSON.stringify(encryption) : null,
          parseHistoryVisibility(content("m.room.history_visibility")?.["history_visibility"]),
          powerLevels === undefined ? null : JSON.stringify(powerLevels),
          typeof name === "string" ? nameOf(name) : null,
          changes,
          JSON.stringify(creators),
          parseMaxLifetime(content("m.room.retention")) ?? null,
          encryption !== undefined,
        ],
      );
      await tx.query("delete from room_members where room_id = $1", [roomId]);
      await tx.query(
        `insert into room_members (room_id, user_id, membership, display_name, event_id, name_is_shared)
         select $1, m."userId", m.membership, m."displayName", m."eventId", m."nameIsShared"
         from json_to_recordset($2::json)
           as m("userId" text, membership text, "displayName" text, "eventId" text, "nameIsShared" boolean)`,
        [roomId, JSON.stringify(members)],
      );
      return rows[0]?.marked_by_message === true;
    });
    if (isMarked) {
      this.#log.warn(
        { room: roomId },
        'the room counts as encrypted because of an encrypted message, although its state does not say so; see "matrix-agents rooms"',
      );
    }
    this.#log.debug({ room: roomId, members: members.length, encrypted: encryption !== undefined }, "room state read");
  }
}

/** The stored knowledge of a room. */
interface SeenRoom {
  readonly view: RoomView | undefined;
  readonly latest: string | undefined;
  /** See {@link Rooms.isEncrypted}. */
  readonly isEncrypted: boolean;
}

interface RoomRow {
  encryption: string | null;
  history_visibility: string;
  name: string | null;
  latest: string | null;
  changes: number;
  read_at_change: number;
}
