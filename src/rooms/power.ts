import type { StateEvent } from "../homeserver/room-calls.ts";
import { objectOf } from "../matrix/json.ts";

/** The level needed to redact other people's messages, where the room sets none (spec "m.room.power_levels"). */
const DEFAULT_REDACT_LEVEL = 50;

/** From this room version on, creators stand above all levels. */
const FIRST_VERSION_WITH_CREATORS = 12;

/**
 * Whether a user moderates a room, which means that they may redact others' messages.
 *
 * @param powerLevels the content of `m.room.power_levels`; undefined when there is none.
 * @param creators see {@link parseCreators}.
 */
export function isModerator(powerLevels: unknown, creators: readonly string[], userId: string): boolean {
  if (creators.includes(userId)) return true;
  const levels = objectOf(powerLevels);
  const users = objectOf(levels["users"]);
  const own = Object.hasOwn(users, userId) ? users[userId] : levels["users_default"];
  return levelOf(own, 0) >= levelOf(levels["redact"], DEFAULT_REDACT_LEVEL);
}

/** The users above all levels: the creators of a room of version 12 or later (MSC4289). */
export function parseCreators(create: Pick<StateEvent, "content" | "sender"> | undefined): string[] {
  const version = Number(create?.content["room_version"]);
  if (create === undefined || !(version >= FIRST_VERSION_WITH_CREATORS)) return [];
  const others: unknown = create.content["additional_creators"];
  return [create.sender, ...(Array.isArray(others) ? others.filter((userId) => typeof userId === "string") : [])];
}

function levelOf(value: unknown, otherwise: number): number {
  // Old rooms have levels written as text.
  const level = typeof value === "string" ? Number.parseInt(value, 10) : value;
  return typeof level === "number" && Number.isFinite(level) ? level : otherwise;
}
