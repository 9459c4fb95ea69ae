import { messageIndex } from "../crypto/megolm.ts";
import type { Queryable } from "../database/database.ts";
import { isStorable } from "../database/text.ts";
import type { RoomEvent } from "../homeserver/transaction.ts";

/*
 * A Megolm message can be decrypted as often as one likes, and whoever can write events into a room's history can send a
 * ciphertext again as another event (spec "m.megolm.v1.aes-sha2", "Replay attacks"). So it is kept which event each
 * message of a session came in.
 */

/** Whether an event repeats the ciphertext of another one that the ghost has handled. Throws DatabaseError. */
export async function isReplay(database: Queryable, ghost: string, event: RoomEvent): Promise<boolean> {
  const place = placeOf(event);
  if (place === undefined) return false;
  const { rows } = await database.query<{ event_id: string }>(
    "select event_id from message_indexes where ghost = $1 and session_id = $2 and message_index = $3",
    [ghost, place.sessionId, place.index],
  );
  return rows[0] !== undefined && rows[0].event_id !== event.event_id;
}

/** Notes what an event was encrypted with, in the transaction that ends its handling. */
export async function noteHandled(tx: Queryable, ghost: string, event: RoomEvent): Promise<void> {
  const place = placeOf(event);
  if (place === undefined) return;
  await tx.query(
    `insert into message_indexes (ghost, session_id, message_index, event_id) values ($1, $2, $3, $4)
     on conflict do nothing`,
    [ghost, place.sessionId, place.index, event.event_id],
  );
}

function placeOf(event: RoomEvent): { readonly sessionId: string; readonly index: number } | undefined {
  const { session_id: sessionId, ciphertext } = event.content;
  const index = messageIndex(ciphertext);
  if (index === undefined || typeof sessionId !== "string" || !isStorable(sessionId)) return undefined;
  return { sessionId, index };
}
