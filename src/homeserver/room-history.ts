import type { JsonObject } from "../matrix/json.ts";
import { asObject, asObjects } from "./answer.ts";
import type { Actor, CallOptions, HomeserverClient } from "./client.ts";
import { MatrixError } from "./errors.ts";
import { path } from "./path.ts";
import { parseTransaction, type RoomEvent } from "./transaction.ts";

/** A page of a room's timeline. */
export interface TimelinePage {
  /** Newest first. */
  readonly events: readonly JsonObject[];
  /** The token of the page before; undefined at the first event that the user may see. */
  readonly end: string | undefined;
}

/**
 * Reads a room's timeline backwards from a token, by default from now. Throws HomeserverError.
 *
 * @param options.senders only events of these users.
 */
export async function timelineBefore(
  client: HomeserverClient,
  as: Actor,
  roomId: string,
  options: CallOptions & {
    readonly from?: string | undefined;
    readonly limit: number;
    readonly senders?: readonly string[];
  },
): Promise<TimelinePage> {
  const { from, limit, senders, ...callOptions } = options;
  const call = "GET messages";
  const answer = asObject(
    await client.request({
      ...callOptions,
      method: "GET",
      path: path`/_matrix/client/v3/rooms/${roomId}/messages`,
      query: { dir: "b", limit: String(limit), from, filter: senders && JSON.stringify({ senders }) },
      as,
    }),
    call,
  );
  const end = answer["end"];
  return { events: asObjects(answer["chunk"], call), end: typeof end === "string" ? end : undefined };
}

/**
 * An event of a room, as a member may see it; undefined where it does not exist or the member may not see it. Its
 * `unsigned` holds edits and other changes (spec "Aggregations of child events"). Throws HomeserverError.
 */
export async function roomEvent(
  client: HomeserverClient,
  as: Actor,
  roomId: string,
  eventId: string,
  options?: CallOptions,
): Promise<RoomEvent | undefined> {
  try {
    const answer = await client.request({
      ...options,
      method: "GET",
      path: path`/_matrix/client/v3/rooms/${roomId}/event/${eventId}`,
      as,
    });
    const [event] = parseTransaction("one event", { events: [answer] }).events;
    return event?.event_id === eventId && event.room_id === roomId ? event : undefined;
  } catch (error) {
    if (error instanceof MatrixError && !error.retryable) return undefined;
    throw error;
  }
}
