import { BATCH_ROWS, inBatches, withNumbers } from "../database/batches.ts";
import type { Database } from "../database/database.ts";
import { emptyUnwanted } from "./emptied.ts";

/**
 * An item that waits for a key is deleted after this many days. The agent no longer answers it once it is older than
 * `turns.max_wait`.
 */
const AWAITED_FOR_DAYS = 30;

/** Deletes old waiting items, which will hardly become readable, and old set-aside items. Returns their number. */
export function pruneHeldMail(database: Database, olderThanDays: number, signal?: AbortSignal): Promise<number> {
  const old = withNumbers(
    `delete from mailbox where id in (
             select id from mailbox join events using (event_id)
             where (state = 'awaiting_key' and coalesce(waiting_since, received_at) < now() - $1 * interval '1 day')
               or (state = 'set_aside' and received_at < now() - $2 * interval '1 day')
             order by id limit ${BATCH_ROWS} for update of mailbox skip locked)
           returning event_id`,
    [Math.min(AWAITED_FOR_DAYS, olderThanDays), olderThanDays],
  );
  return inBatches(
    () =>
      database.transaction(async (tx) => {
        const { rows } = await tx.query<{ event_id: string }>(old);
        await emptyUnwanted(
          tx,
          rows.map((row) => row.event_id),
        );
        return { rows: rows.length, isLast: rows.length < BATCH_ROWS };
      }),
    signal,
  );
}
