import type { AccessConfig, Level, PermissionConfig } from "../config/config.ts";
import type { Bans } from "./bans.ts";
import { matchesGlob, particularity } from "../text/glob.ts";
import { serverOf, withoutPort } from "../matrix/server-name.ts";

/** An act for which somebody needs permission. */
export type Act =
  /** That an agent comes into a room, or goes on with it in another one. */
  | "invite"
  /** To have a message answered; an edit of one; a command; a reaction that asks for something. */
  | "message"
  | "edit"
  | "command"
  | "reaction"
  /** That an agent remembers what was said to others. */
  | "overheard"
  /** To verify an agent. */
  | "verification"
  /** The homeserver asks whether there is such a user, on behalf of nobody it names. */
  | "query"
  /** An act that only a room's moderators may do, done by somebody who is none. */
  | "moderate"
  /** An act on the bridge itself: having models installed. */
  | "administer";

/** A question to {@link decide}. */
export interface PermissionRequest {
  readonly act: Act;
  /** The one who acts; undefined when nobody is named. */
  readonly userId: string | undefined;
  /** The agent's name; undefined for the bridge's own bot. */
  readonly agent: string | undefined;
  /** Where; undefined when it is in no room. */
  readonly roomId?: string | undefined;
  /** How many have joined the room; undefined when that is not known. */
  readonly members?: number | undefined;
}

/** Why something is refused. */
export type Refusal =
  /** `access.ignore` names the user. */
  | "ignored"
  /** A ban list that is followed names the user, the server or the room. */
  | "banned"
  /** The room is a ban list that is followed: nobody is listened to there. */
  | "ban_list"
  /** The configuration blocks the room. */
  | "room_blocked"
  /** The room has more members than the configuration wants. */
  | "room_too_large"
  /** The user may use no agents. */
  | "no_access"
  /** The user may use agents, but not this one. */
  | "not_this_agent"
  /** It takes a higher level. */
  | "level";

export type Decision =
  { readonly allowed: true; readonly level: Level } | { readonly allowed: false; readonly reason: Refusal };

/** The rules by which is decided. */
export interface PermissionPolicy {
  readonly access: AccessConfig;
  readonly permissions: PermissionConfig;
  readonly bans: Bans;
}

const LEVELS: readonly Level[] = ["none", "user", "moderator", "admin"];

/** Whether a level is another one, or above it. */
function isAtLeast(level: Level, least: Level): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(least);
}

/** The level that an act takes. */
function levelFor(act: Act): Level {
  if (act === "administer") return "admin";
  return act === "moderate" ? "moderator" : "user";
}

/**
 * Whether somebody may do something. This is the one place that decides: every way in asks it. The room's rules come
 * first, then the user's, then the agent's.
 */
export function decide(policy: PermissionPolicy, request: PermissionRequest): Decision {
  const { permissions, access, bans } = policy;
  const { act, userId, agent, roomId, members } = request;
  const level = userId === undefined ? "user" : levelOf(policy, userId, roomId);
  const isAdmin = level === "admin";

  if (roomId !== undefined) {
    if (permissions.banLists.includes(roomId)) {
      // The bot has to be in a ban list's room to read it, whoever lets it in.
      return act === "invite" && agent === undefined ? { allowed: true, level } : refused("ban_list");
    }
    if (roomRule(permissions, roomId) === "none") return refused("room_blocked");
    // Other people write the lists, so a list must not take the bridge from its own admins.
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
 * Whether there can be a room in which somebody may do something: a message to a device names none. A rule for rooms
 * may give a right that one for servers does not; a glob counts as a name that it matches.
 */
export function allowedSomewhere(policy: PermissionPolicy, request: Omit<PermissionRequest, "roomId">): boolean {
  return [undefined, ...policy.permissions.rooms.keys()].some(
    (roomId) => decide(policy, { ...request, roomId }).allowed,
  );
}

function refused(reason: Refusal): Decision {
  return { allowed: false, reason };
}

/** A level, and how particular the rule is that gives it. */
interface Vote {
  readonly level: Level;
  readonly rank: number;
}

/** Users come before rooms, and these before servers; among globs of a kind, the one that names most. */
const RANK = { server: 0, room: 1e3, user: 1e4 } as const;

/** Of an exact name, above all globs of its kind: no id is longer than 255 bytes. */
const EXACT = 999;

/**
 * The level of a user in a room, by the most particular rule. `access` counts as one rule, because it can give somebody
 * two levels, of which the higher counts.
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
    // Behind a rule of `permissions` that is as particular.
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

/** `@*:example.org` says the same as `example.org` among the servers. */
function kindOf(glob: string): ["user" | "server", string] {
  const server = /^@\*:(.+)$/.exec(glob)?.[1];
  return server === undefined ? ["user", glob] : ["server", server];
}

/** The rule of the most particular glob for a room; undefined when none matches. */
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
