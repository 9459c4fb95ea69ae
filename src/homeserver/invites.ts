import type { JsonObject } from "../matrix/json.ts";
import { randomUUID } from "node:crypto";
import { asObject, asObjects } from "./answer.ts";
import type { Actor, CallOptions, HomeserverClient } from "./client.ts";
import { NO_ROOM_EVENTS } from "./sync-filter.ts";

/** An unanswered invite. */
export interface PendingInvite {
  readonly roomId: string;
  /** The membership event as stripped state, which has no id and no time (spec "Stripped state"). */
  readonly event: JsonObject;
}

/**
 * The invites that a user has not answered. They come from a `/sync` without a device, so that it acknowledges nothing.
 * Its filter names a room that does not exist, which leaves out everything but invites; and it is never the same twice,
 * because Synapse repeats its answer to a known question for two minutes. Throws HomeserverError.
 */
export async function pendingInvites(
  client: HomeserverClient,
  as: Actor,
  options?: CallOptions,
): Promise<readonly PendingInvite[]> {
  const call = "GET sync";
  const answer = await client.request({
    ...options,
    method: "GET",
    path: "/_matrix/client/v3/sync",
    query: {
      filter: JSON.stringify({
        room: { rooms: [`!${randomUUID()}:no-room.invalid`], ...NO_ROOM_EVENTS },
        presence: { types: [] },
        account_data: { types: [] },
      }),
      set_presence: "offline",
      timeout: "0",
    },
    as,
  });
  const rooms = asObject(asObject(answer, call)["rooms"] ?? {}, call);
  return Object.entries(asObject(rooms["invite"] ?? {}, call)).flatMap(([roomId, room]) => {
    const state = asObject(asObject(room, call)["invite_state"] ?? {}, call);
    const event = asObjects(state["events"] ?? [], call).findLast((candidate) => isInviteOf(as.userId, candidate));
    return event === undefined ? [] : [{ roomId, event }];
  });
}

function isInviteOf(userId: string, event: JsonObject): boolean {
  const content = event["content"] as { membership?: unknown } | undefined;
  return event["type"] === "m.room.member" && event["state_key"] === userId && content?.membership === "invite";
}
