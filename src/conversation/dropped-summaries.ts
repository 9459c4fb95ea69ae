import type { Queryable } from "../database/database.ts";

/**
 * Drops the summaries that hold what a message said, in whichever thread; to be called before the message is changed. The
 * message is locked first, so that a summary that is just being stored is found, or finds the change.
 */
export async function dropSummaries(tx: Queryable, ghost: string, roomId: string, eventId: string): Promise<void> {
  const { rows } = await tx.query<{ position: number }>(
    `select coalesce(answers, position) as position from messages
     where ghost = $1 and room_id = $2 and event_id = $3 for update`,
    [ghost, roomId, eventId],
  );
  const position = rows[0]?.position;
  if (position === undefined) return;
  await tx.query("delete from summaries where ghost = $1 and room_id = $2 and up_to >= $3", [ghost, roomId, position]);
}
