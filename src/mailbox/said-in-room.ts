import type { Database, Queryable } from "../database/database.ts";
import { storable } from "../database/text.ts";
import type { RoomEvent, Transaction } from "../homeserver/transaction.ts";
import type { Seals } from "../sealing/seals.ts";
import { contextOfEvent, keepRoomsFromAdoption } from "./stored-events.ts";
import { DELIVERED } from "./routing.ts";

/*
 * Most transactions hold nothing but messages of one room. The database itself routes them, so that nobody waits for
 * what is new and who is there, and they are stored in one round trip.
 */

/** Messages of one room: no state, and no deletions, which can change a state event. */
export interface SaidInRoom {
  readonly roomId: string;
  readonly events: readonly RoomEvent[];
}

/** The knowledge of rooms that new messages bring. */
export interface MessageRules {
  /** Whether an event is shown as a line of its own. */
  readonly isLine: (event: RoomEvent) => boolean;
  /** Whether an event proves that its room is encrypted. */
  readonly isCiphertext: (event: RoomEvent) => boolean;
  /**
   * Records it: the end of a statement in which `told` has, for each room with new messages, its `room_id`, its last line as
   * `latest` (null: unchanged), and whether `is_ciphertext`.
   */
  readonly noteTold: string;
}

/** The result of storing them. */
export interface StoredSaid {
  /** The ghosts with new rows in their mailbox. */
  readonly mail: readonly string[];
  /** The number of new events. */
  readonly stored: number;
}

/** A transaction's events, where they are all messages of one room; undefined for any other transaction. */
export function saidInRoom({ events, malformed }: Transaction): SaidInRoom | undefined {
  const roomId = events[0]?.room_id;
  if (roomId === undefined || malformed.length > 0) return undefined;
  const isSaid = events.every(
    ({ room_id, state_key, type }) => room_id === roomId && state_key === undefined && type !== "m.room.redaction",
  );
  return isSaid ? { roomId, events } : undefined;
}

/**
 * Stores messages of a room and gives them to the ghosts there, in the order of the messages. A message that no ghost gets keeps
 * its text only where the bridge knows of no ghost in the room; see emptyUndelivered.
 *
 * @param beside starts further statements of the same transaction at once.
 */
export async function storeSaid<T>(
  { database, seals, rules }: { readonly database: Database; readonly seals: Seals; readonly rules: MessageRules },
  said: SaidInRoom,
  beside: (tx: Queryable) => Promise<T>,
): Promise<{ readonly stored: StoredSaid; readonly beside: T }> {
  const { roomId } = said;
  return database.transactionWithLast(
    async (tx) => {
      keepRoomsFromAdoption(tx);
      return seals.in(tx, { roomId });
    },
    async (tx, key) => {
      const rows = said.events.map((event, place) => ({
        ...outsideOfSaid(event, place, rules),
        payload: key.seal(JSON.stringify(event), ...contextOfEvent(event.event_id)),
      }));
      const storing = tx.query<{ stored: number; mail: readonly string[] | null }>(
        STORE_SAID.replace("noteTold", () => rules.noteTold),
        [roomId, JSON.stringify(rows), key.id],
      );
      const [{ rows: results }, made] = await Promise.all([storing, beside(tx)]);
      return { stored: { mail: results[0]?.mail ?? [], stored: results[0]?.stored ?? 0 }, beside: made };
    },
  );
}

/** The readable fields of a message, and what is to be done with it. */
export function outsideOfSaid(
  event: RoomEvent,
  place: number,
  { isLine, isCiphertext }: MessageRules,
): Readonly<Record<string, unknown>> {
  return {
    eventId: event.event_id,
    type: storable(event.type),
    sender: storable(event.sender),
    sentAt: event.origin_server_ts,
    // A tombstone is state.
    isDelivered: DELIVERED.has(event.type) && event.type !== "m.room.tombstone",
    isLine: isLine(event),
    isCiphertext: isCiphertext(event),
    place,
  };
}

/** $1 is the room, $2 has the messages, $3 is the key's id. */
const STORE_SAID = `
  with said as (
    select * from json_to_recordset($2::json)
      as e("eventId" text, type text, sender text, "sentAt" numeric, "isDelivered" boolean, "isLine" boolean,
        "isCiphertext" boolean, payload text, place integer)
  ), room as materialized (
    select ghosts,
      ghosts <> '{}' or exists (select from memberships where room_id = $1 and membership <> 'invite') as is_known
    from (
      select coalesce(array_agg(ghost), '{}') as ghosts from memberships where room_id = $1 and membership = 'join'
    ) as here
  ), routed as (
    select said.*, is_known, ghosts, "isDelivered" and array_remove(ghosts, sender) <> '{}' as is_mail from said, room
  ), stored as (
    insert into events (event_id, room_id, type, sender, is_state, sent_at, payload, sealed_by, unrouted)
    select distinct on ("eventId") "eventId", $1, type, sender, false, "sentAt",
      case when is_mail or not is_known then payload end, case when is_mail or not is_known then $3::bigint end,
      not is_mail and not is_known
    from routed order by "eventId", place
    on conflict (event_id) do nothing returning event_id
  ), fresh as (
    select distinct on (event_id) routed.* from stored join routed on event_id = "eventId" order by event_id, place
  ), mail as (
    insert into mailbox (ghost, event_id)
    select ghost, "eventId" from fresh, unnest(array_remove(ghosts, sender)) as here (ghost)
    where "isDelivered" order by place, ghost
    on conflict do nothing returning ghost
  ), told as (
    select $1 as room_id, (array_agg("eventId" order by place desc) filter (where "isLine"))[1] as latest,
      bool_or("isCiphertext") as is_ciphertext
    from fresh having count(*) > 0
  ), noted as (noteTold)
  select (select count(*)::integer from stored) as stored, (select json_agg(distinct ghost) from mail) as mail`;
