import { deleteInBatches } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";
import { storable } from "../database/text.ts";

/** The conversation of a summary. */
export interface SummaryId {
  readonly ghost: string;
  readonly roomId: string;
  readonly threadRoot: string | undefined;
}

/** A summary that somebody's change has invalidated, and that must be made again. */
export interface DroppedSummary {
  /** The position up to which it covered all messages. */
  readonly upTo: number;
  /** The person who edited or deleted a message in it. */
  readonly by: string;
}

/**
 * Drops the summaries that hold a message's words, direct or quoted, in any thread. Call this before the message is
 * changed, and only if it will be. The message is locked first, so that a summary being stored is either found, or
 * finds the change.
 *
 * @param by the person who changes the message.
 */
export async function dropSummaries(
  tx: Queryable,
  { ghost, roomId, eventId }: { readonly ghost: string; readonly roomId: string; readonly eventId: string },
  by: string,
): Promise<void> {
  const { rows } = await tx.query<{ position: number }>(
    `select coalesce(answers, position) as position from messages
     where ghost = $1 and room_id = $2 and (event_id = $3 or replies_to = $3) for update`,
    [ghost, roomId, eventId],
  );
  if (rows.length === 0) return;
  const position = Math.min(...rows.map((row) => row.position));
  const { rows: dropped } = await tx.query<{ thread_root: string; up_to: number }>(
    "delete from summaries where ghost = $1 and room_id = $2 and up_to >= $3 returning thread_root, up_to",
    [ghost, roomId, position],
  );
  for (const { thread_root: threadRoot, up_to: upTo } of dropped)
    await noteDropped(tx, { ghost, roomId, threadRoot }, { upTo, by });
}

/** Records the person because of whom a summary must be made again; the last one counts. */
export async function noteDropped(tx: Queryable, id: SummaryId, { upTo, by }: DroppedSummary): Promise<void> {
  await tx.query(
    `insert into dropped_summaries (ghost, room_id, thread_root, up_to, dropped_by) values ($1, $2, $3, $4, $5)
     on conflict (ghost, room_id, thread_root) do update
       set up_to = excluded.up_to, dropped_by = excluded.dropped_by, dropped_at = now()`,
    [...keyOf(id), upTo, storable(by)],
  );
}

/** Undefined when no summary was dropped. */
export async function droppedSummary(tx: Queryable, id: SummaryId): Promise<DroppedSummary | undefined> {
  const { rows } = await tx.query<{ up_to: number; dropped_by: string }>(
    "select up_to, dropped_by from dropped_summaries where ghost = $1 and room_id = $2 and thread_root = $3",
    keyOf(id),
  );
  const [row] = rows;
  return row && { upTo: row.up_to, by: row.dropped_by };
}

/** Records that the summary exists again, up to its former position. */
export async function noteRemade(tx: Queryable, id: SummaryId, upTo: number): Promise<void> {
  await tx.query(
    "delete from dropped_summaries where ghost = $1 and room_id = $2 and thread_root = $3 and up_to <= $4",
    [...keyOf(id), upTo],
  );
}

/** Called when a room is forgotten. */
export async function forgetDropped(tx: Queryable, ghost: string, roomId: string): Promise<void> {
  await tx.query("delete from dropped_summaries where ghost = $1 and room_id = $2", [ghost, roomId]);
}

function keyOf({ ghost, roomId, threadRoot = "" }: SummaryId): string[] {
  return [ghost, roomId, threadRoot];
}

/** Deletes old records of summaries that were not made again. Returns the number of rows. */
export function pruneDropped(database: Database, olderThanDays: number, signal?: AbortSignal): Promise<number> {
  const where = "dropped_at < now() - $1 * interval '1 day'";
  return deleteInBatches(database, { from: "dropped_summaries", where, values: [olderThanDays] }, signal);
}
