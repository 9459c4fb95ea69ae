import type { Database } from "../database/database.ts";
import { emptyUnwanted } from "./emptied.ts";

/** The limits for held events, waiting for a key or set aside: their number, and their stored bytes. */
export interface HeldQuota {
  readonly events: number;
  readonly bytes: number;
}

/**
 * The limits for one person, over all agents, and for all people of one server together. A client that sends no keys
 * could write without end. Such late messages get no answer anyway, so more of them would be useless.
 */
export const HELD_QUOTAS: Readonly<Record<"sender" | "server", HeldQuota>> = {
  sender: { events: 200, bytes: 4_194_304 },
  server: { events: 2_000, bytes: 41_943_040 },
};

const IS_HELD = `payload is not null and exists (select from mailbox
  where mailbox.event_id = events.event_id and state in ('awaiting_key', 'set_aside'))`;

/** For each limit, the events that are counted together with the event `$1`. */
const OF_THE_SAME: Readonly<Record<"sender" | "server", string>> = {
  sender: "sender = (select sender from events where event_id = $1)",
  server: `substr(sender, strpos(sender, ':') + 1) =
    (select substr(sender, strpos(sender, ':') + 1) from events where event_id = $1)`,
};

/**
 * Deletes held events beyond the limits of an event's sender and server: the oldest first, and within a server those of
 * the people with most. Returns their number.
 *
 * @param quotas for tests.
 */
export async function dropBeyondQuota(
  database: Database,
  eventId: string,
  quotas: typeof HELD_QUOTAS = HELD_QUOTAS,
): Promise<number> {
  let dropped = 0;
  for (const whose of ["sender", "server"] as const) {
    const { events, bytes } = quotas[whose];
    dropped += await database.transaction(async (tx) => {
      const { rows } = await tx.query<{ event_id: string }>(
        `with held as (
           select event_id, received_at, octet_length(payload) as size,
             row_number() over (partition by sender order by received_at desc, event_id) as nth
           from events where ${OF_THE_SAME[whose]} and ${IS_HELD}),
         counted as (
           select event_id, row_number() over newest as events, sum(size) over newest as bytes
           from held window newest as (order by nth, received_at desc, event_id)),
         gone as (
           select id from mailbox where state in ('awaiting_key', 'set_aside')
             and event_id in (select event_id from counted where events > $2 or bytes > $3)
           order by id for update skip locked)
         delete from mailbox where id in (select id from gone) returning event_id`,
        [eventId, events, bytes],
      );
      await emptyUnwanted(
        tx,
        rows.map((row) => row.event_id),
      );
      return rows.length;
    });
  }
  return dropped;
}
