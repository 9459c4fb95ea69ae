import { isObject, objectOf, type JsonObject } from "./json.ts";

/** The users that a message mentions (spec "User and room mentions"). */
export interface Mentions {
  /** Whether the message says at all whom it mentions, if only nobody. */
  readonly isGiven: boolean;
  readonly userIds: readonly string[];
  /** Whether it is for everybody in the room. */
  readonly room: boolean;
}

/** An event has no room for more of them. */
const MOST = 5_000;

/** A user id has 255 characters at the most; a longer text stays in the list, and is nobody's. */
const LONGEST = 256;

/** Reads `m.mentions` of a message. */
export function mentionsIn(content: JsonObject): Mentions {
  const mentions = content["m.mentions"];
  const { user_ids: userIds, room } = objectOf(mentions);
  return {
    isGiven: isObject(mentions),
    userIds: Array.isArray(userIds)
      ? userIds
          .slice(0, MOST)
          .filter((userId) => typeof userId === "string")
          .map((userId) => userId.slice(0, LONGEST))
      : [],
    room: room === true,
  };
}
