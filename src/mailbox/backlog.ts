import type { Queryable } from "../database/database.ts";
import { countMalformed } from "./malformed.ts";

/** The numbers of waiting items in the mailboxes. */
export interface Backlog {
  readonly items: Readonly<Record<"ready" | "awaiting_key" | "set_aside", number>>;
  /** The age of the oldest item that is ready, in seconds; 0 when there is none. */
  readonly oldestReadySeconds: number;
  /** The number of malformed parts of transactions. */
  readonly malformed: number;
}

/** Counts the waiting items of all mailboxes, and the malformed parts. */
export async function readBacklog(database: Queryable): Promise<Backlog> {
  const { rows } = await database.query<{ state: keyof Backlog["items"]; items: number; oldest: number }>(
    `select state, count(*)::integer as items, extract(epoch from now() - min(received_at)) as oldest
     from mailbox join events using (event_id) group by state`,
  );
  const itemsIn = (state: keyof Backlog["items"]): number => rows.find((row) => row.state === state)?.items ?? 0;
  return {
    items: { ready: itemsIn("ready"), awaiting_key: itemsIn("awaiting_key"), set_aside: itemsIn("set_aside") },
    oldestReadySeconds: Math.max(0, rows.find((row) => row.state === "ready")?.oldest ?? 0),
    malformed: await countMalformed(database),
  };
}
