import type { Queryable } from "../database/database.ts";
import { storable } from "../database/text.ts";
import type { RoomEvent, Transaction } from "../homeserver/transaction.ts";

/*
 * The events that ghosts have sent themselves come back in transactions. Where no other ghost is in the room, nobody needs
 * their text: only their ids are kept, and their place as the room's last line.
 */

/** Events of one ghost in one room. */
export interface OwnEchoes {
  readonly roomId: string;
  readonly sender: string;
  readonly events: readonly RoomEvent[];
}

/** What the stored state of a room needs of its new events. */
export interface EchoRules {
  /** Whether an event is shown as a line of its own. */
  readonly isLine: (event: RoomEvent) => boolean;
  /** Whether an event proves that its room is encrypted. */
  readonly isCiphertext: (event: RoomEvent) => boolean;
  /**
   * Records the room's last line: the end of a statement in which `line` names it by `room_id` and `event_id`. Nothing is
   * recorded where `line` is empty.
   */
  readonly noteLatest: string;
}

/** The events of a transaction that holds nothing but messages of one ghost in one room; undefined for any other. */
export function ownEchoes(
  { events, malformed, changedUsers }: Transaction,
  isGhost: (userId: string) => boolean,
): OwnEchoes | undefined {
  const [first] = events;
  if (first === undefined || malformed.length > 0 || changedUsers.length > 0) return undefined;
  const { room_id: roomId, sender } = first;
  const areOwn = events.every(
    (event) => event.room_id === roomId && event.sender === sender && event.state_key === undefined,
  );
  return areOwn && isGhost(sender) ? { roomId, sender, events } : undefined;
}

/**
 * Stores echoes in one statement, and returns the number of new ones. Undefined, and then nothing is stored, where they must be
 * stored like other events: another ghost is in the room, or the bridge does not know yet that the sender is, or that the
 * room is encrypted.
 *
 * An adoption can't miss them, and needs not be kept waiting: it takes events of rooms in which no ghost was known.
 */
export async function storeEchoes(
  database: Queryable,
  { roomId, sender, events }: OwnEchoes,
  { isLine, isCiphertext, noteLatest }: EchoRules,
): Promise<number | undefined> {
  const { rows } = await database.query<{ stored: number | null }>(
    `with alone as materialized (
       select from rooms where room_id = $1 and (encryption is not null or not $3::boolean)
         and (select array_agg(ghost) from memberships where memberships.room_id = $1 and membership = 'join') = array[$2]
     ), echo as (
       select * from json_to_recordset($4::json)
         as e("eventId" text, type text, "sentAt" numeric, "isLine" boolean, place integer)
     ), stored as (
       insert into events (event_id, room_id, type, sender, is_state, sent_at)
       select distinct on ("eventId") "eventId", $1, type, $2, false, "sentAt" from echo, alone
       on conflict (event_id) do nothing returning event_id, room_id
     ), line as (
       select room_id, event_id from stored join echo on event_id = "eventId" where "isLine" order by place desc limit 1
     ), noted as (${noteLatest})
     select (select count(*)::integer from stored) as stored from alone`,
    [
      roomId,
      sender,
      events.some(isCiphertext),
      JSON.stringify(
        events.map((event, place) => ({
          eventId: event.event_id,
          type: storable(event.type),
          sentAt: event.origin_server_ts,
          isLine: isLine(event),
          place,
        })),
      ),
    ],
  );
  return rows[0]?.stored ?? undefined;
}
