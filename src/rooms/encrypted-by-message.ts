import type { Database, Queryable } from "../database/database.ts";
import type { RoomEvent } from "../homeserver/transaction.ts";

/*
 * A room counts as encrypted from its first encrypted message on, even if its state does not say so: a homeserver could
 * withhold the state. The mark is `rooms.marked_by_message`.
 */

/** The assumed encryption of a room with an encrypted message whose state does not say how. */
const MEGOLM = "m.megolm.v1.aes-sha2";

/** A room that counts as encrypted only because of a message. */
export interface MarkedRoom {
  readonly roomId: string;
  readonly name: string | undefined;
  /** The encrypted messages of the room that agents remember. */
  readonly kept: number;
}

/** Whether an event has the form of an encrypted message. */
export function isCiphertext({ type, state_key: stateKey, content }: RoomEvent): boolean {
  const { algorithm, ciphertext, session_id: sessionId } = content;
  return (
    type === "m.room.encrypted" &&
    stateKey === undefined &&
    algorithm === MEGOLM &&
    typeof ciphertext === "string" &&
    typeof sessionId === "string"
  );
}

/**
 * Records what new messages tell of rooms: the end of a statement in which `told` has, for each room with new messages, its
 * `room_id`, its last line as `latest` (null: unchanged), and whether there `is_ciphertext` among them. The rooms stay
 * locked until the transaction ends.
 */
export const NOTE_TOLD = `insert into rooms (room_id, latest, encryption, marked_by_message)
  select room_id, latest, case when is_ciphertext then '${JSON.stringify({ algorithm: MEGOLM })}' end, is_ciphertext from told
  on conflict (room_id) do update set latest = coalesce(excluded.latest, rooms.latest),
    encryption = coalesce(rooms.encryption, excluded.encryption),
    marked_by_message = rooms.marked_by_message or (rooms.encryption is null and excluded.encryption is not null)`;

/** Marks rooms as encrypted because of an encrypted message. Marked rooms stay locked until the transaction ends. */
export async function markByMessage(tx: Queryable, roomIds: ReadonlySet<string>): Promise<void> {
  if (roomIds.size === 0) return;
  await tx.query(
    `with marked as materialized (
       select room_id from rooms where encryption is not null
         and room_id = any($1::text[]) for key share
     )
     insert into rooms (room_id, encryption, marked_by_message)
     select said.room_id, $2, true from unnest($1::text[]) as said (room_id)
     where said.room_id not in (select room_id from marked)
     on conflict (room_id) do update set encryption = excluded.encryption, marked_by_message = true
       where rooms.encryption is null`,
    [[...roomIds].sort(), JSON.stringify({ algorithm: MEGOLM })],
  );
}

/**
 * The rooms that count as encrypted only because of a message. Anybody in a room can send such a message, even one that
 * nobody can read.
 */
export async function roomsMarkedByMessage(database: Database): Promise<MarkedRoom[]> {
  const { rows } = await database.query<{ room_id: string; name: string | null; kept: number }>(
    `select room_id, name, (select count(*)::integer from messages
       where messages.room_id = rooms.room_id and came_encrypted) as kept
     from rooms where marked_by_message order by room_id`,
  );
  return rows.map((row) => ({ roomId: row.room_id, name: row.name ?? undefined, kept: row.kept }));
}

/**
 * The number of rooms that count as encrypted only because of a message, although their latest state was read and does
 * not say so. Throws DatabaseError.
 */
export async function countRoomsMarkedByMessage(database: Queryable): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    "select count(*)::integer as count from rooms where marked_by_message and read_at_change >= greatest(changes, 1)",
  );
  return rows[0]?.count ?? 0;
}

/**
 * Ends a room's encrypted status where only a message caused it. Messages that came encrypted keep their own mark, and
 * the next encrypted message marks the room again. False where the room's state says that it is encrypted, or nothing
 * does.
 */
export async function unmarkRoom(tx: Queryable, roomId: string): Promise<boolean> {
  // A message that is being stored holds the row, so this waits for it; a later message finds the mark gone.
  const { rows } = await tx.query(
    "select from rooms where room_id = $1 and encryption is not null and marked_by_message for update",
    [roomId],
  );
  if (rows.length === 0) return false;
  await tx.query(
    "update rooms set encryption = null, marked_by_message = false, changes = changes + 1 where room_id = $1",
    [roomId],
  );
  return true;
}
