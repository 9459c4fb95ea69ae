import { deleteInBatches } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";
import { isStorable, storable } from "../database/text.ts";
import type { RoomEvent } from "../homeserver/transaction.ts";
import type { Seal, Seals } from "../sealing/seals.ts";
import { DELIVERED } from "./routing.ts";

/* The rows of `events`: each event once, however many ghosts it concerns, with its text until no ghost waits for it. */

/** The seals of the rooms of some events, by room id. */
export type EventKeys = ReadonlyMap<string, Seal>;

/** The seals that {@link insertEvents} needs, until the transaction ends. */
export async function eventKeys(tx: Queryable, seals: Seals, events: readonly RoomEvent[]): Promise<EventKeys> {
  const roomIds = [...new Set(events.map((event) => event.room_id))].sort();
  if (roomIds.length === 0) return new Map();
  const scopes = roomIds.map((roomId) => ({ roomId }));
  const keys = await seals.all(tx, scopes);
  return new Map(keys.flatMap((key, index) => [[roomIds[index] ?? "", key]]));
}

/** Stores events, sealed. Returns those that were not there, or had been emptied and are to be kept again. */
export async function insertEvents(
  tx: Queryable,
  keys: EventKeys,
  events: readonly RoomEvent[],
  known: "leave as it is" | "keep what was emptied" = "leave as it is",
): Promise<RoomEvent[]> {
  if (events.length === 0) return [];
  const { rows } = await tx.query<{ event_id: string }>(
    `insert into events (event_id, room_id, type, sender, is_state, sent_at, payload, sealed_by)
     select e."eventId", e."roomId", e.type, e.sender, e."isState", e."sentAt", e.payload, e."sealedBy"
     from json_to_recordset($1::json) as e("eventId" text, "roomId" text, type text, sender text, "isState" boolean,
       "sentAt" numeric, payload text, "sealedBy" bigint)
     on conflict (event_id) ${KNOWN_EVENT[known]} returning event_id`,
    [
      JSON.stringify(
        events.map((event) => {
          const key = keys.get(event.room_id);
          return {
            eventId: event.event_id,
            roomId: event.room_id,
            ...outsideOf(event),
            payload: key?.seal(JSON.stringify(event), ...contextOfEvent(event.event_id)),
            sealedBy: key?.id,
          };
        }),
      ),
    ],
  );
  const inserted = new Set(rows.map((row) => row.event_id));
  // An event that stands twice in one transaction counts once.
  return events.filter((event) => inserted.delete(event.event_id));
}

/**
 * Empties new events that no ghost was given. The bridge is told of rooms that a ghost is in: where it knows of none there, or
 * of an invite alone, it is the bridge that is late, and the event is kept as unrouted (see {@link adoptEvents}).
 */
export async function emptyUndelivered(
  tx: Queryable,
  events: readonly RoomEvent[],
  mail: readonly { readonly eventId: string }[],
): Promise<void> {
  const delivered = new Set(mail.map(({ eventId }) => eventId));
  const undelivered = events.map((event) => event.event_id).filter((eventId) => !delivered.has(eventId));
  if (undelivered.length === 0) return;
  await tx.query(
    `update events set unrouted = not is_known, payload = case when is_known then null else payload end,
       sealed_by = case when is_known then null else sealed_by end
     from (
       select event_id, exists (
         select from memberships where memberships.room_id = new.room_id and membership <> 'invite'
       ) as is_known
       from events as new where event_id = any($1::text[])
     ) as looked_at
     where events.event_id = looked_at.event_id
       and not exists (select from mailbox where mailbox.event_id = events.event_id)`,
    [undelivered],
  );
}

const KNOWN_EVENT = {
  "leave as it is": "do nothing",
  "keep what was emptied":
    "do update set payload = excluded.payload, sealed_by = excluded.sealed_by where events.payload is null",
} as const;

/** Any constant: it names the lock between storing events and adopting them. */
const ADOPTION_LOCK = 7_295_005;

/**
 * Makes adoptions wait until the transaction that stores events has ended. Otherwise an adoption could miss an event that is
 * not committed yet, and the transaction would empty the event, because its room has become known.
 */
export function keepRoomsFromAdoption(tx: Queryable): void {
  // Its failure is the transaction's.
  tx.query("select pg_advisory_xact_lock_shared($1)", [ADOPTION_LOCK]).catch(() => undefined);
}

/** Waits until no events are being stored, and keeps others from storing some until the transaction ends. It comes first in it. */
export async function beginAdoption(tx: Queryable): Promise<void> {
  await tx.query("select pg_advisory_xact_lock($1)", [ADOPTION_LOCK]);
}

/**
 * Gives a ghost the earlier events of rooms in which it turned out to be, in the transaction that records the rooms.
 */
export async function adoptEvents(tx: Queryable, ghost: string, roomIds: readonly string[]): Promise<void> {
  await tx.query(
    `insert into mailbox (ghost, event_id)
     select $1, event_id from events
     where unrouted and payload is not null and room_id = any($2::text[])
       and sender <> $1 and not is_state and type = any($3::text[])
     order by received_at, sent_at
     on conflict do nothing`,
    [ghost, roomIds, [...DELIVERED]],
  );
}

/** The sender of an event in a room, possibly a ghost; undefined when it is not known (any more). */
export async function senderOf(database: Queryable, roomId: string, eventId: string): Promise<string | undefined> {
  if (!isStorable(eventId)) return undefined;
  const { rows } = await database.query<{ sender: string | null }>(
    "select sender from events where room_id = $1 and event_id = $2",
    [roomId, eventId],
  );
  return rows[0]?.sender ?? undefined;
}

/** Deletes events that were handled long ago, or in whose room no ghost ever was. Returns their number. */
export function pruneEvents(database: Database, olderThanDays: number, signal?: AbortSignal): Promise<number> {
  const where = `(payload is null or unrouted) and received_at < now() - $1 * interval '1 day'
    and not exists (select from mailbox where mailbox.event_id = events.event_id)`;
  return deleteInBatches(database, { from: "events", where, values: [olderThanDays] }, signal);
}

/** The context that an event is sealed with: see sealing/sealed-text.ts. */
export function contextOfEvent(eventId: string): string[] {
  return ["events.payload", eventId];
}

/** The fields of an event that are readable without opening it. */
function outsideOf(event: RoomEvent): { type: string; sender: string; isState: boolean; sentAt: number } {
  return {
    type: storable(event.type),
    sender: storable(event.sender),
    isState: event.state_key !== undefined,
    sentAt: event.origin_server_ts,
  };
}
