import { asObject, asObjects, type JsonObject } from "./answer.ts";
import type { Actor, CallOptions, HomeserverClient } from "./client.ts";
import { path } from "./path.ts";

/** An event as it stands in a room's timeline. */
export interface TimelineEvent {
  readonly type: string;
  readonly content: JsonObject;
}

/** A page holds at most so many events of ours, whatever was said between them. */
const PAGE = 100;
const MAX_PAGES = 50;

/**
 * Looks back through a room's timeline for an event that the user itself has sent. Returns its id, or undefined when
 * there is none that young. Throws HomeserverError.
 */
export async function findOwnEvent(
  client: HomeserverClient,
  as: Actor,
  where: { readonly roomId: string; readonly maxAgeMs: number },
  matches: (event: TimelineEvent) => boolean,
  options?: CallOptions,
): Promise<string | undefined> {
  const call = "GET messages";
  const oldest = Date.now() - where.maxAgeMs;
  let from: string | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = asObject(
      await client.request({
        ...options,
        method: "GET",
        path: path`/_matrix/client/v3/rooms/${where.roomId}/messages`,
        query: { dir: "b", limit: String(PAGE), from, filter: JSON.stringify({ senders: [as.userId] }) },
        as,
      }),
      call,
    );
    for (const event of asObjects(answer["chunk"], call)) {
      const { event_id, type, content, origin_server_ts } = event;
      if (typeof origin_server_ts === "number" && origin_server_ts < oldest) return undefined;
      if (typeof event_id !== "string" || typeof type !== "string") continue;
      if (matches({ type, content: asObject(content, call) })) return event_id;
    }
    if (typeof answer["end"] !== "string") return undefined;
    from = answer["end"];
  }
  return undefined;
}
