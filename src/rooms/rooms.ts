import { storable } from "../database/text.ts";
import type { Database, Queryable } from "../database/database.ts";
import type { Logger } from "../observability/log.ts";
import type { RoomEvent } from "../homeserver/transaction.ts";
import { isModerator, parseCreators } from "./power.ts";
import {
  parseEncryption,
  parseHistoryVisibility,
  parseMaxLifetime,
  parseMembers,
  type RoomEncryption,
} from "./room-state.ts";

/** State events that change something we keep of a room. */
const WATCHED = new Set([
  "m.room.member",
  "m.room.encryption",
  "m.room.history_visibility",
  "m.room.power_levels",
  "m.room.name",
  "m.room.retention",
]);

/** Reads the whole current state of a room from the server, as a ghost that is in it. */
export type ReadState = (roomId: string) => Promise<readonly StateEvent[]>;

/** A state event as `GET /rooms/{roomId}/state` lists it. */
export interface StateEvent {
  readonly event_id?: string;
  readonly sender?: string;
  readonly type: string;
  readonly state_key: string;
  readonly content: Readonly<Record<string, unknown>>;
}

/** How to speak into a room, as of its current state on the server. */
export interface RoomView {
  /** Undefined: the room has never been encrypted. */
  readonly encryption: RoomEncryption | undefined;
  readonly historyVisibility: "invited" | "joined" | "shared" | "world_readable";
  readonly name: string | undefined;
}

/**
 * What is known of rooms. The state on the server is the truth: events only say that what was read is out of date. So
 * nothing depends on the order in which old events arrive after a pause, and a member who has left is never taken for
 * one who is there.
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
   * Takes note of state events, in the transaction that stores them. Encryption is kept from the first event on and
   * never taken back, whatever comes after (a room once encrypted is never spoken to in clear).
   */
  async note(tx: Queryable, events: readonly RoomEvent[]): Promise<void> {
    const changed = new Set<string>();
    for (const event of events) {
      if (event.state_key === undefined || !WATCHED.has(event.type)) continue;
      changed.add(event.room_id);
    }
    if (changed.size === 0) return;
    await tx.query(
      `insert into rooms (room_id) select json_array_elements_text($1::json)
       on conflict (room_id) do update set changes = rooms.changes + 1`,
      [JSON.stringify([...changed])],
    );
    for (const event of events) {
      if (event.type !== "m.room.encryption" || event.state_key !== "") continue;
      await tx.query("update rooms set encryption = $2 where room_id = $1 and encryption is null", [
        event.room_id,
        JSON.stringify(event.content),
      ]);
    }
  }

  /**
   * The room as it is now, read from the server when an event said that it changed. Throws what `readState` throws:
   * without the state nothing may be sent, least of all in clear.
   */
  async view(roomId: string, readState: ReadState): Promise<RoomView> {
    for (;;) {
      const { rows } = await this.#database.query<RoomRow>(
        "select encryption, history_visibility, name, changes, read_at_change from rooms where room_id = $1",
        [roomId],
      );
      const row = rows[0];
      if (row !== undefined && row.read_at_change >= row.changes) {
        return {
          encryption: row.encryption === null ? undefined : parseEncryption(JSON.parse(row.encryption)),
          historyVisibility: parseHistoryVisibility(row.history_visibility),
          name: row.name ?? undefined,
        };
      }
      await this.#readOnce(roomId, readState);
    }
  }

  /**
   * Who is to receive a room key (spec "m.room.history_visibility", as clients do it): those who are in the room and,
   * where they may read what was said before they joined, those who are invited.
   */
  async recipients(roomId: string, view: RoomView): Promise<string[]> {
    const memberships = view.historyVisibility === "joined" ? ["join"] : ["join", "invite"];
    const { rows } = await this.#database.query<{ user_id: string }>(
      `select user_id from room_members where room_id = $1
       and membership in (select json_array_elements_text($2::json)) order by user_id`,
      [roomId, JSON.stringify(memberships)],
    );
    return rows.map((row) => row.user_id);
  }

  /** Whether somebody may take back what others say in the room, as far as its state was read. */
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

  /** How many have joined the room, as far as its state was read. */
  async memberCount(roomId: string): Promise<number> {
    const { rows } = await this.#database.query<{ joined: number }>(
      "select count(*)::integer as joined from room_members where room_id = $1 and membership = 'join'",
      [roomId],
    );
    return rows[0]?.joined ?? 0;
  }

  /**
   * The rooms that are known, each with how long it lets what is said be kept, in ms (undefined: it does not say), and
   * whether that is so now, or may have changed since it was read.
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

  /** Whether encryption was ever seen in the room, without asking the server. */
  async isEncrypted(roomId: string): Promise<boolean> {
    const { rows } = await this.#database.query<{ encrypted: boolean }>(
      "select encryption is not null as encrypted from rooms where room_id = $1",
      [roomId],
    );
    return rows[0]?.encrypted ?? false;
  }

  /** The name a member goes by in the room, or the localpart of the user id. */
  async displayName(roomId: string, userId: string): Promise<string> {
    const { rows } = await this.#database.query<{ display_name: string | null }>(
      "select display_name from room_members where room_id = $1 and user_id = $2",
      [roomId, userId],
    );
    return rows[0]?.display_name ?? userId.slice(1).split(":")[0] ?? userId;
  }

  /** Several ghosts that need the same room at once share one request. */
  #readOnce(roomId: string, readState: ReadState): Promise<void> {
    const running = this.#reading.get(roomId);
    if (running !== undefined) return running;
    const reading = this.#read(roomId, readState).finally(() => this.#reading.delete(roomId));
    this.#reading.set(roomId, reading);
    return reading;
  }

  async #read(roomId: string, readState: ReadState): Promise<void> {
    // The counter is taken before the request: a change that comes in meanwhile makes the next look read again.
    const noted = await this.#database.query<{ changes: number; read_at_change: number }>(
      `insert into rooms (room_id) values ($1)
       on conflict (room_id) do update set changes = rooms.changes returning changes, read_at_change`,
      [roomId],
    );
    const { changes = 0, read_at_change: readAt = -1 } = noted.rows[0] ?? {};
    // Somebody else has read it between the caller's look and this one.
    if (readAt >= changes) return;
    const state = await readState(roomId);
    const content = (type: string): Readonly<Record<string, unknown>> | undefined =>
      state.find((event) => event.type === type && event.state_key === "")?.content;
    const encryption = content("m.room.encryption");
    const powerLevels = content("m.room.power_levels");
    const name = content("m.room.name")?.["name"];
    const members = parseMembers(state);
    const creators = parseCreators(state.find((event) => event.type === "m.room.create" && event.state_key === ""));

    await this.#database.transaction(async (tx) => {
      // A later m.room.encryption may change the rotation, but one without an algorithm does not end the encryption.
      await tx.query(
        `update rooms set encryption = coalesce($2, encryption), history_visibility = $3, power_levels = $4, name = $5,
           creators = $7, max_lifetime_ms = $8, read_at_change = greatest(read_at_change, $6) where room_id = $1`,
        [
          roomId,
          typeof encryption?.["algorithm"] === "string" ? JSON.stringify(encryption) : null,
          parseHistoryVisibility(content("m.room.history_visibility")?.["history_visibility"]),
          powerLevels === undefined ? null : JSON.stringify(powerLevels),
          typeof name === "string" ? storable(name) : null,
          changes,
          JSON.stringify(creators),
          parseMaxLifetime(content("m.room.retention")) ?? null,
        ],
      );
      await tx.query("delete from room_members where room_id = $1", [roomId]);
      await tx.query(
        `insert into room_members (room_id, user_id, membership, display_name, event_id)
         select $1, m."userId", m.membership, m."displayName", m."eventId"
         from json_to_recordset($2::json)
           as m("userId" text, membership text, "displayName" text, "eventId" text)`,
        [roomId, JSON.stringify(members)],
      );
    });
    this.#log.debug({ room: roomId, members: members.length, encrypted: encryption !== undefined }, "room state read");
  }
}

interface RoomRow {
  encryption: string | null;
  history_visibility: string;
  name: string | null;
  changes: number;
  read_at_change: number;
}
