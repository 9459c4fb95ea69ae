import type { AccessConfig, Level, PermissionConfig } from "../config/config.ts";
import type { Bans } from "./bans.ts";
import { matchesGlob, particularity } from "../text/glob.ts";
import { serverOf, withoutPort } from "../matrix/server-name.ts";

/** An act that needs permission. */
export type Act =
  /** An agent comes into a room, or moves on to another one. */
  | "invite"
  /** A message that asks for an answer; an edit of one; a command; a reaction that asks for something. */
  | "message"
  | "edit"
  | "command"
  | "reaction"
  /** An agent remembers messages to others. */
  | "overheard"
  /** To verify an agent. */
  | "verification"
  /** The homeserver asks whether a user exists; it does not say for whom. */
  | "query"
  /** A person who is no moderator does something reserved for the room's moderators. */
  | "moderate"
  /** An act on the bridge itself: installing models. */
  | "administer";

/** A question to {@link decide}. */
export interface PermissionRequest {
  readonly act: Act;
  /** The one who acts; undefined when nobody is named. */
  readonly userId: string | undefined;
  /** The agent's name; undefined for the bridge's own bot. */
  readonly agent: string | undefined;
  /** The room; undefined when there is none. */
  readonly roomId?: string | undefined;
  /** The number of joined members; undefined when unknown. */
  readonly members?: number | undefined;
}

/** The reason for a refusal. */
export type Refusal =
  /** `access.ignore` names the user. */
  | "ignored"
  /** A followed ban list names the user, the server or the room. */
  | "banned"
  /** The room is a followed ban list: agents listen to nobody there. */
  | "ban_list"
  /** The configuration blocks the room. */
  | "room_blocked"
  /** The room has more members than the configuration allows. */
  | "room_too_large"
  /** The user may use no agent. */
  | "no_access"
  /** The user may use agents, but not this one. */
  | "not_this_agent"
  /** The act needs a higher level. */
  | "level";

export type Decision =
  { readonly allowed: true; readonly level: Level } | { readonly allowed: false; readonly reason: Refusal };

/** The rules behind decisions. */
export interface PermissionPolicy {
  readonly access: AccessConfig;
  readonly permissions: PermissionConfig;
  readonly bans: Bans;
}

const LEVELS: readonly Level[] = ["none", "user", "moderator", "admin"];

/** Whether a level is at least another one. */
function isAtLeast(level: Level, least: Level): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(least);
}

/** The level that an act needs. */
function levelFor(act: Act): Level {
  if (act === "administer") return "admin";
  return act === "moderate" ? "moderator" : "user";
}

/**
 * Whether a user may do something. Every entry point asks this one function. The room's rules come first, then the
 * user's, then the agent's.
 */
export function decide(policy: PermissionPolicy, request: PermissionRequest): Decision {
  const { permissions, access, bans } = policy;
  const { act, userId, agent, roomId, members } = request;
  const level = userId === undefined ? "user" : levelOf(policy, userId, roomId);
  const isAdmin = level === "admin";

  if (roomId !== undefined) {
    if (permissions.banLists.includes(roomId)) {
      // The bot must be in a ban list's room to read it, whoever invites it.
      return act === "invite" && agent === undefined ? { allowed: true, level } : refused("ban_list");
    }
    if (roomRule(permissions, roomId) === "none") return refused("room_blocked");
    // Other people write the lists, so a list must not lock the bridge's own admins out.
    if (bans.hasRoom(roomId) && !isAdmin) return refused("banned");
  }
  if (userId !== undefined) {
    if (access.ignore.some((glob) => matchesGlob(glob, userId))) return refused("ignored");
    if (bans.hasUser(userId) && !isAdmin) return refused("banned");
    if (level === "none") return refused("no_access");
  }
  if (agent !== undefined && !mayUse(permissions, agent, userId)) return refused("not_this_agent");
  if (members !== undefined && members > (permissions.maxRoomMembers ?? Infinity)) return refused("room_too_large");
  return isAtLeast(level, levelFor(act)) ? { allowed: true, level } : refused("level");
}

/**
 * Whether a user might be allowed something in some room: a message to a device names no room. A rule for rooms may
 * give a right that a rule for servers does not; a glob counts as a name that it matches.
 */
export function allowedSomewhere(policy: PermissionPolicy, request: Omit<PermissionRequest, "roomId">): boolean {
  return [undefined, ...policy.permissions.rooms.keys()].some(
    (roomId) => decide(policy, { ...request, roomId }).allowed,
  );
}

function refused(reason: Refusal): Decision {
  return { allowed: false, reason };
}

/** A level, and how specific its rule is. */
interface Vote {
  readonly level: Level;
  readonly rank: number;
}

/**
 * Rules for users come before those for rooms, and these before those for servers; among globs of a kind, the one with
 * most literal characters.
 */
const RANK = { server: 0, room: 1e3, user: 1e4 } as const;

/** The rank of an exact name, above all globs of its kind: no id is longer than 255 bytes. */
const EXACT = 999;

/**
 * A user's level in a room, by the most specific rule. `access` counts as one rule, because it can give a user two
 * levels, of which the higher counts.
 */
function levelOf({ permissions, access }: PermissionPolicy, userId: string, roomId: string | undefined): Level {
  const server = serverOf(userId);
  const votes: Vote[] = [];
  const vote = (kind: keyof typeof RANK, glob: string, level: Level): void => {
    votes.push({ level, rank: RANK[kind] + Math.min(particularity(glob), EXACT) });
  };
  for (const [glob, level] of permissions.users) if (matchesGlob(glob, userId)) vote(...kindOf(glob), level);
  for (const [glob, level] of permissions.servers) {
    const pattern = glob.toLowerCase();
    if (matchesGlob(pattern, withoutPort(server)) || matchesGlob(pattern, server)) vote("server", glob, level);
  }
  const inRoom = roomId === undefined ? undefined : roomRule(permissions, roomId);
  if (inRoom !== undefined && inRoom !== "none" && inRoom !== "allowed") {
    votes.push({ level: inRoom, rank: RANK.room });
  }
  const simple = [...simpleVotes(access, userId)];
  if (simple.length > 0) {
    // After an equally specific rule of `permissions`.
    const rank = Math.max(...simple.map((one) => one.rank)) - 0.5;
    votes.push({ level: simple.some(({ level }) => level === "admin") ? "admin" : "user", rank });
  }
  return votes.sort((a, b) => b.rank - a.rank)[0]?.level ?? "none";
}

function* simpleVotes({ users, admins }: AccessConfig, userId: string): Generator<Vote> {
  for (const [level, globs] of [
    ["user", users],
    ["admin", admins],
  ] as const) {
    for (const glob of globs) {
      if (!matchesGlob(glob, userId)) continue;
      const [kind, name] = kindOf(glob);
      yield { level, rank: RANK[kind] + Math.min(particularity(name), EXACT) };
    }
  }
}

/** `@*:example.org` means the same as `example.org` among the servers. */
function kindOf(glob: string): ["user" | "server", string] {
  const server = /^@\*:(.+)$/.exec(glob)?.[1];
  return server === undefined ? ["user", glob] : ["server", server];
}

/** The rule of the most specific glob for a room; undefined when none matches. */
function roomRule({ rooms }: PermissionConfig, roomId: string): Level | "allowed" | undefined {
  return mostParticular(rooms, roomId);
}

function mayUse({ agents }: PermissionConfig, agent: string, userId: string | undefined): boolean {
  const users = mostParticular(agents, agent);
  if (users === undefined) return true;
  return userId === undefined ? users.length > 0 : users.some((glob) => matchesGlob(glob, userId));
}

function mostParticular<T>(rules: ReadonlyMap<string, T>, name: string): T | undefined {
  let found: { readonly rule: T; readonly rank: number } | undefined;
  for (const [glob, rule] of rules) {
    const rank = particularity(glob);
    if (rank > (found?.rank ?? -1) && matchesGlob(glob, name)) found = { rule, rank };
  }
  return found?.rule;
}
