import { messageIndex } from "../crypto/megolm.ts";
import { BATCH_ROWS, deleteInBatches, inBatches, withNumbers } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";
import { isStorable } from "../database/text.ts";
import type { RoomEvent } from "../homeserver/transaction.ts";

/*
 * A Megolm message can be decrypted any number of times, and anybody who can add events to a room can send a ciphertext
 * again as another event (spec "m.megolm.v1.aes-sha2", "Replay attacks"). So each message of a session is stored with its
 * event.
 */

/*
 * Age alone is no reason to delete these rows: a room key is kept for a long time, and with it any ciphertext of its
 * session can be read again. So a session without recent use is closed (clients start a new one after a week or a hundred
 * messages): one row holds its highest index, and no message up to that index counts any more, in any event. The cost: a
 * message that first comes so long after a later one of its session is set aside like a replay. The row is deleted with
 * the room key where old keys are forgotten (`encryption.forget_keys_after`), because an unreadable message can't be
 * replayed.
 */

/** Whether an event repeats the ciphertext of another event that the ghost has handled. Throws DatabaseError. */
export async function isReplay(database: Queryable, ghost: string, event: RoomEvent): Promise<boolean> {
  const position = positionOf(event);
  if (position === undefined) return false;
  const { rows } = await database.query<{ event_id: string | null }>(
    `select event_id from message_indexes where ghost = $1 and session_id = $2 and message_index = $3
     union all select null from closed_sessions where ghost = $1 and session_id = $2 and up_to >= $3`,
    [ghost, position.sessionId, position.index],
  );
  return rows.some((row) => row.event_id !== event.event_id);
}

/** Records an event's encryption, in the transaction that ends its handling. */
export async function noteHandled(tx: Queryable, ghost: string, event: RoomEvent): Promise<void> {
  const position = positionOf(event);
  if (position === undefined) return;
  await tx.query(
    `insert into message_indexes (ghost, session_id, message_index, event_id) values ($1, $2, $3, $4)
     on conflict do nothing`,
    [ghost, position.sessionId, position.index, event.event_id],
  );
}

/**
 * Closes sessions without recent use, and deletes the closed ones whose keys are gone. Returns the number of deleted
 * rows.
 *
 * @param keysGoAfterMs the age at which room keys are forgotten; undefined: never.
 */
export async function pruneReplays(
  database: Database,
  olderThanDays: number,
  keysGoAfterMs: number | undefined,
  signal?: AbortSignal,
): Promise<number> {
  const close = withNumbers(
    `with old as (
         select distinct ghost, session_id from (
           select ghost, session_id from message_indexes before
           where seen_at < now() - $1 * interval '1 day' and not exists (
             select from message_indexes since where since.ghost = before.ghost and since.session_id = before.session_id
               and since.seen_at >= now() - $1 * interval '1 day')
           limit ${BATCH_ROWS}) as unused),
       closed as (
         insert into closed_sessions (ghost, session_id, up_to)
         select ghost, session_id, max(message_index) from message_indexes join old using (ghost, session_id)
         group by ghost, session_id
         on conflict (ghost, session_id) do update
           set up_to = greatest(closed_sessions.up_to, excluded.up_to), closed_at = now())
       delete from message_indexes using old
       where message_indexes.ghost = old.ghost and message_indexes.session_id = old.session_id`,
    [olderThanDays],
  );
  const closed = await inBatches(async () => {
    const { count } = await database.query(close);
    return { rows: count, isLast: count < BATCH_ROWS };
  }, signal);
  if (keysGoAfterMs === undefined) return closed;
  // A key that existed when its session was closed is gone by then; the extra days are for a ghost that was away
  // meanwhile.
  const where = "closed_at < now() - $1 * interval '1 millisecond' - $2 * interval '1 day'";
  const values = [keysGoAfterMs, olderThanDays];
  return closed + (await deleteInBatches(database, { from: "closed_sessions", where, values }, signal));
}

function positionOf(event: RoomEvent): { readonly sessionId: string; readonly index: number } | undefined {
  const { session_id: sessionId, ciphertext } = event.content;
  const index = messageIndex(ciphertext);
  if (index === undefined || typeof sessionId !== "string" || !isStorable(sessionId)) return undefined;
  return { sessionId, index };
}
