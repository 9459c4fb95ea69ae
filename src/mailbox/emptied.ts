import type { Queryable } from "../database/database.ts";

/** Deletes the content of events that nobody waits for any more, and keeps their ids. */
export async function emptyUnwanted(tx: Queryable, eventIds: readonly string[]): Promise<void> {
  if (eventIds.length === 0) return;
  // Locked in a fixed order: another ghost may be adopting these events.
  await tx.query(`select from events where event_id = any($1::text[]) order by event_id for update`, [eventIds]);
  await tx.query(
    `update events set payload = null, sealed_by = null
     where event_id = any($1::text[]) and not unrouted
     and not exists (select from mailbox where mailbox.event_id = events.event_id)`,
    [eventIds],
  );
}
