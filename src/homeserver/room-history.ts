import { asObject, asObjects, type JsonObject } from "./answer.ts";
import type { Actor, CallOptions, HomeserverClient } from "./client.ts";
import { path } from "./path.ts";

/** A page of a room's timeline. */
export interface TimelinePage {
  /** Newest first. */
  readonly events: readonly JsonObject[];
  /** Where the page before begins; undefined at the beginning of what the user may see. */
  readonly end: string | undefined;
}

/**
 * Reads a room's timeline backwards from a place, by default from now. Throws HomeserverError.
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
