import { deleteInBatches } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";
import { storable } from "../database/text.ts";

/** A conversation, as summaries are kept by. */
export interface SummaryPlace {
  readonly ghost: string;
  readonly roomId: string;
  readonly threadRoot: string | undefined;
}

/** A summary that went because of somebody, and is to be made anew. */
export interface DroppedSummary {
  /** Up to which position it stood for all messages. */
  readonly upTo: number;
  /** Who edited or deleted something in it. */
  readonly by: string;
}

/**
 * Drops the summaries that hold what a message said, itself or quoted, in whichever thread; to be called before the message is changed, and only
 * where it will be. The message is locked first, so that a summary that is just being stored is found, or finds the change.
 *
 * @param by who changes the message.
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

/** Notes for whom a summary is to be made anew; who did so last counts. */
export async function noteDropped(tx: Queryable, place: SummaryPlace, { upTo, by }: DroppedSummary): Promise<void> {
  await tx.query(
    `insert into dropped_summaries (ghost, room_id, thread_root, up_to, dropped_by) values ($1, $2, $3, $4, $5)
     on conflict (ghost, room_id, thread_root) do update
       set up_to = excluded.up_to, dropped_by = excluded.dropped_by, dropped_at = now()`,
    [...keyOf(place), upTo, storable(by)],
  );
}

/** Undefined when none is to be made anew on somebody's account. */
export async function droppedSummary(tx: Queryable, place: SummaryPlace): Promise<DroppedSummary | undefined> {
  const { rows } = await tx.query<{ up_to: number; dropped_by: string }>(
    "select up_to, dropped_by from dropped_summaries where ghost = $1 and room_id = $2 and thread_root = $3",
    keyOf(place),
  );
  const [row] = rows;
  return row && { upTo: row.up_to, by: row.dropped_by };
}

/** The summary is there again, as far as it was. */
export async function noteRemade(tx: Queryable, place: SummaryPlace, upTo: number): Promise<void> {
  await tx.query(
    "delete from dropped_summaries where ghost = $1 and room_id = $2 and thread_root = $3 and up_to <= $4",
    [...keyOf(place), upTo],
  );
}

/** With a room that is forgotten. */
export async function forgetDropped(tx: Queryable, ghost: string, roomId: string): Promise<void> {
  await tx.query("delete from dropped_summaries where ghost = $1 and room_id = $2", [ghost, roomId]);
}

function keyOf({ ghost, roomId, threadRoot = "" }: SummaryPlace): string[] {
  return [ghost, roomId, threadRoot];
}

/** Forgets those that were not made anew for long. Returns how many rows. */
export function pruneDropped(database: Database, olderThanDays: number, signal?: AbortSignal): Promise<number> {
  const where = "dropped_at < now() - $1 * interval '1 day'";
  return deleteInBatches(database, { from: "dropped_summaries", where, values: [olderThanDays] }, signal);
}
