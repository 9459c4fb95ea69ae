import { storable } from "../database/text.ts";
import type { StateEvent } from "../homeserver/room-calls.ts";
import { localpartOf, nameKey } from "./names.ts";
import type { RoomEncryption, RoomView } from "./room-view.ts";

/** A member in the room's state. */
export interface RoomMember {
  readonly userId: string;
  readonly membership: string;
  readonly displayName: string | null;
  /** Whether another joined or invited member has the same name. */
  readonly nameIsShared: boolean;
  /** The membership event. */
  readonly eventId: string | null;
}

/** Historical user ids may hold nearly anything printable; members with other ids are ignored. */
const USER_ID = /^@[^:\p{Cc}\p{Cs}]*:[^\p{Cc}\p{Cs}]+$/u;

/** Memberships (spec "m.room.member"). */
const MEMBERSHIPS: ReadonlySet<unknown> = new Set(["invite", "join", "knock", "leave", "ban"]);

const WEEK_MS = 7 * 24 * 3600 * 1000;

/**
 * Reads `m.room.encryption`. Defaults are the spec's: a week, a hundred messages. A malformed event still means
 * "encrypted": its algorithm is then one that nobody supports, so sending fails instead of leaving unencrypted.
 */
export function parseEncryption(content: unknown): RoomEncryption {
  const fields = typeof content === "object" && content !== null ? (content as Record<string, unknown>) : {};
  return {
    algorithm: typeof fields["algorithm"] === "string" ? fields["algorithm"] : "unknown",
    rotationPeriodMs: positive(fields["rotation_period_ms"]) ?? WEEK_MS,
    rotationPeriodMessages: positive(fields["rotation_period_msgs"]) ?? 100,
  };
}

/** Reads a history visibility; anything unknown is `shared`, the spec's default. */
export function parseHistoryVisibility(value: unknown): RoomView["historyVisibility"] {
  return value === "invited" || value === "joined" || value === "world_readable" ? value : "shared";
}

/** The longest time for which a room lets messages be kept, in ms (MSC1763, `m.room.retention`). */
export function parseMaxLifetime(content: Readonly<Record<string, unknown>> | undefined): number | undefined {
  return positive(content?.["max_lifetime"]);
}

/** All members in a room's state, of any membership; malformed member events are ignored. */
export function parseMembers(state: readonly StateEvent[]): RoomMember[] {
  const members = new Map<string, Omit<RoomMember, "nameIsShared">>();
  for (const event of state) {
    if (event.type !== "m.room.member" || !USER_ID.test(event.state_key)) continue;
    const membership = event.content["membership"];
    const displayName = event.content["displayname"];
    if (typeof membership !== "string" || !MEMBERSHIPS.has(membership)) continue;
    members.set(event.state_key, {
      userId: event.state_key,
      membership,
      displayName: typeof displayName === "string" && displayName !== "" ? nameOf(displayName) : null,
      eventId: typeof event.event_id === "string" ? storable(event.event_id) : null,
    });
  }
  const bearers = new Map<string, number>();
  const keyed = [...members.values()].map((one) => ({ one, key: nameKey(one.displayName ?? localpartOf(one.userId)) }));
  for (const { one, key } of keyed) if (isThere(one)) bearers.set(key, (bearers.get(key) ?? 0) + 1);
  return keyed.map(({ one, key }) => ({ ...one, nameIsShared: isThere(one) && (bearers.get(key) ?? 0) > 1 }));
}

function isThere({ membership }: Pick<RoomMember, "membership">): boolean {
  return membership === "join" || membership === "invite";
}

/**
 * The stored part of a name, in characters; homeservers accept no longer profile names, but any length for a room's.
 */
const LONGEST_NAME = 256;

/** The stored form of a member's or room's name. */
export function nameOf(name: string): string {
  return storable(name.slice(0, LONGEST_NAME).toWellFormed());
}

function positive(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}
