import type { JsonObject } from "../matrix/json.ts";
import type { HomeserverClient } from "../homeserver/client.ts";
import { timelineBefore } from "../homeserver/room-history.ts";
import { parseTransaction, type RoomEvent } from "../homeserver/transaction.ts";
import { DELIVERED } from "../mailbox/routing.ts";

/** The number of events that are read. Of a person who writes more before the agent comes, the last messages count. */
const FIRST_PAGE = 30;
const PAGE = 100;
const MAX_PAGES = 3;

/**
 * The messages in a room between a ghost's invite and its join, oldest first. Clients make a direct chat together with
 * its first message, before the agent can join; and Synapse sends nobody the events before the join. Throws
 * HomeserverError.
 *
 * @param join the event of the ghost's join.
 */
export async function saidSinceInvite(
  client: HomeserverClient,
  join: Pick<RoomEvent, "room_id" | "event_id" | "sender">,
): Promise<readonly RoomEvent[]> {
  const ghost = join.sender;
  const said: JsonObject[] = [];
  let from: string | undefined;
  let isBefore = false;
  for (let page = 0; page < MAX_PAGES; page++) {
    const limit = page === 0 ? FIRST_PAGE : PAGE;
    const { events, end } = await timelineBefore(client, { userId: ghost }, join.room_id, { from, limit });
    for (const event of events) {
      const isOwn = event["type"] === "m.room.member" && event["state_key"] === ghost;
      // The invite, or the membership before it.
      if (isBefore && isOwn) return readable(said);
      if (event["event_id"] === join.event_id) isBefore = true;
      else if (isBefore) said.push(event);
    }
    if (end === undefined) break;
    from = end;
  }
  return readable(said);
}

/** @param said newest first. */
function readable(said: readonly JsonObject[]): readonly RoomEvent[] {
  const { events } = parseTransaction("since the invite", { events: said.toReversed() });
  return events.filter(({ type, state_key }) => state_key === undefined && DELIVERED.has(type));
}
