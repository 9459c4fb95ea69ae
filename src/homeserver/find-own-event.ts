import type { JsonObject } from "../matrix/json.ts";
import { asObject } from "./answer.ts";
import type { Actor, CallOptions, HomeserverClient } from "./client.ts";
import { timelineBefore } from "./room-history.ts";

/** An event in a room's timeline. */
export interface TimelineEvent {
  readonly type: string;
  readonly content: JsonObject;
}

/** A page holds at most this many of our own events, however much others said between them. */
const PAGE = 100;
const MAX_PAGES = 50;

/**
 * Searches a room's timeline backwards for an event that the user itself has sent. Returns its id; undefined when it is
 * not among the latest. Throws HomeserverError.
 */
export async function findOwnEvent(
  client: HomeserverClient,
  as: Actor,
  where: { readonly roomId: string; readonly maxAgeMs: number },
  matches: (event: TimelineEvent) => boolean,
  options?: CallOptions,
): Promise<string | undefined> {
  const oldest = Date.now() - where.maxAgeMs;
  let from: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const { events, end } = await timelineBefore(client, as, where.roomId, {
      ...options,
      from,
      limit: PAGE,
      senders: [as.userId],
    });
    for (const { event_id, type, content, origin_server_ts } of events) {
      if (typeof origin_server_ts === "number" && origin_server_ts < oldest) return undefined;
      if (typeof event_id !== "string" || typeof type !== "string") continue;
      if (matches({ type, content: asObject(content, "GET messages") })) return event_id;
    }
    if (end === undefined) return undefined;
    from = end;
  }
  return undefined;
}
