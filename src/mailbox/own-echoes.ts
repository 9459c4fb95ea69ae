import type { Queryable } from "../database/database.ts";
import type { Transaction } from "../homeserver/transaction.ts";
import { outsideOfSaid, saidInRoom, type MessageRules, type SaidInRoom } from "./said-in-room.ts";

/*
 * The events that ghosts have sent themselves come back in transactions. Where no other ghost is in the room, nobody needs
 * their text: only their ids are kept, and their place as the room's last line.
 */

/** Messages of one ghost in one room. */
export interface OwnEchoes extends SaidInRoom {
  readonly sender: string;
}

/** A transaction's events, where they are all messages of one ghost in one room; undefined for any other transaction. */
export function ownEchoes(transaction: Transaction, isGhost: (userId: string) => boolean): OwnEchoes | undefined {
  const said = saidInRoom(transaction);
  const sender = said?.events[0]?.sender;
  if (said === undefined || sender === undefined || transaction.changedUsers.length > 0) return undefined;
  return isGhost(sender) && said.events.every((event) => event.sender === sender) ? { ...said, sender } : undefined;
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
  rules: MessageRules,
): Promise<number | undefined> {
  const { rows } = await database.query<{ stored: number }>(
    STORE_ECHOES.replace("noteTold", () => rules.noteTold),
    [
      roomId,
      sender,
      events.some(rules.isCiphertext),
      JSON.stringify(events.map((event, place) => outsideOfSaid(event, place, rules))),
    ],
  );
  return rows[0]?.stored;
}

/** $1 is the room, $2 the ghost, $3 says whether a message is ciphertext, $4 has the messages. */
const STORE_ECHOES = `
  with alone as materialized (
    select from rooms where room_id = $1 and (encryption is not null or not $3::boolean)
      and (select array_agg(ghost) from memberships where memberships.room_id = $1 and membership = 'join') = array[$2]
  ), echo as (
    select * from json_to_recordset($4::json)
      as e("eventId" text, type text, "sentAt" numeric, "isLine" boolean, place integer)
  ), stored as (
    insert into events (event_id, room_id, type, sender, is_state, sent_at)
    select distinct on ("eventId") "eventId", $1, type, $2, false, "sentAt" from echo, alone
    on conflict (event_id) do nothing returning event_id
  ), told as (
    select $1 as room_id, "eventId" as latest, false as is_ciphertext
    from stored join echo on event_id = "eventId" where "isLine" order by place desc limit 1
  ), noted as (noteTold)
  select (select count(*)::integer from stored) as stored from alone`;
