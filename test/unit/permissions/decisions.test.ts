import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AccessConfig, Level, PermissionConfig } from "../../../src/config/config.ts";
import { Bans, type BanRule } from "../../../src/permissions/bans.ts";
import {
  allowedSomewhere,
  decide,
  type Act,
  type PermissionPolicy,
  type PermissionRequest,
} from "../../../src/permissions/decisions.ts";

const ROOM = "!room:example.org";
const ALICE = "@alice:example.org";
const REMOTE = "@rob:elsewhere.example";

interface Rules extends Omit<Partial<PermissionConfig>, "users" | "servers" | "rooms" | "agents"> {
  readonly access?: Partial<AccessConfig>;
  readonly users?: Readonly<Record<string, Level>>;
  readonly servers?: Readonly<Record<string, Level>>;
  readonly rooms?: Readonly<Record<string, Level | "allowed">>;
  readonly agents?: Readonly<Record<string, readonly string[]>>;
  readonly bans?: readonly BanRule[];
}

function policyOf(rules: Rules): PermissionPolicy {
  const { access, users = {}, servers = {}, rooms = {}, agents = {}, bans, ...others } = rules;
  return {
    access: { users: ["@*:example.org"], ignore: ["@_*:*"], admins: [], ...access },
    permissions: {
      users: new Map(Object.entries(users)),
      servers: new Map(Object.entries(servers)),
      rooms: new Map(Object.entries(rooms)),
      agents: new Map(Object.entries(agents)),
      commands: { model: "moderators", system: "moderators" },
      maxRoomMembers: undefined,
      invitesPerDay: { user: undefined, server: undefined },
      banLists: [],
      ...others,
    },
    bans: new Bans(bans),
  };
}

/**
 * The result of a request: the level, or the reason of a refusal. Unless others are named, it is a message of Alice's
 * to llama in a room.
 */
function outcome(rules: Rules, request: Partial<PermissionRequest> = {}): string {
  const decision = decide(policyOf(rules), { act: "message", userId: ALICE, agent: "llama", roomId: ROOM, ...request });
  return decision.allowed ? decision.level : decision.reason;
}

type Row = readonly [what: string, rules: Rules, request: Partial<PermissionRequest>, outcome: string];

const TABLE: readonly Row[] = [
  // The simple form.
  ["people of this homeserver may", {}, {}, "user"],
  ["people elsewhere may not", {}, { userId: REMOTE }, "no_access"],
  ["a person whom no setting names may not", { access: { users: [] } }, {}, "no_access"],
  ["an ignored user may not", {}, { userId: "@_slack_U1:example.org" }, "ignored"],
  ["an admin may do more", { access: { admins: [ALICE] } }, { act: "administer" }, "admin"],
  ["an admin need not be among the users", { access: { users: [REMOTE], admins: [ALICE] } }, {}, "admin"],
  [
    "an admin is also recognised by a wider pattern",
    { access: { users: [ALICE], admins: ["@*:example.org"] } },
    { act: "administer" },
    "admin",
  ],
  // Levels.
  ["a user does not moderate", {}, { act: "moderate" }, "level"],
  ["a user does not administer", {}, { act: "administer" }, "level"],
  ["a moderator moderates", { users: { [ALICE]: "moderator" } }, { act: "moderate" }, "moderator"],
  ["a moderator does not administer", { users: { [ALICE]: "moderator" } }, { act: "administer" }, "level"],
  ["an admin moderates", { users: { [ALICE]: "admin" } }, { act: "moderate" }, "admin"],
  // The most specific rule counts.
  ["a user goes before a pattern", { users: { "@a*:*": "admin", [ALICE]: "none" } }, {}, "no_access"],
  [
    "a longer pattern goes before a shorter one",
    { users: { "@a*:*": "none", "@ali*:*": "moderator" } },
    {},
    "moderator",
  ],
  [
    "a pattern of users goes before a server",
    { users: { "@a*:*": "moderator" }, servers: { "example.org": "none" } },
    {},
    "moderator",
  ],
  ["a server is let in", { servers: { "elsewhere.example": "user" } }, { userId: REMOTE }, "user"],
  ["a server goes before a pattern", { servers: { "*": "none", "example.org": "moderator" } }, {}, "moderator"],
  [
    "a server's name is compared without case",
    { servers: { "Elsewhere.example": "user" } },
    { userId: "@r:elseWhere.example" },
    "user",
  ],
  [
    "a server's rule holds at any port",
    { servers: { "example.org": "none" } },
    { userId: "@r:example.org:8448" },
    "no_access",
  ],
  ["a server is let in at any port", { servers: { "[::1]": "user" } }, { userId: "@r:[::1]:8448" }, "user"],
  [
    "a server with a port is let in at that port",
    { servers: { "here.example:8448": "user" } },
    { userId: "@r:here.example:8448" },
    "user",
  ],
  [
    "a server with a port is not let in at another",
    { servers: { "here.example:8448": "user" } },
    { userId: "@r:here.example" },
    "no_access",
  ],
  [
    "a pattern for all users of a server counts as the server",
    { users: { "@*:example.org": "none", "@a*:*": "user" } },
    {},
    "user",
  ],
  ["a more specific rule goes before the simple form", { servers: { "example.org": "none" } }, {}, "no_access"],
  [
    "a name in the simple form goes before a server",
    { access: { users: [ALICE] }, servers: { "*": "none" } },
    {},
    "user",
  ],
  ["one user of the simple form is excluded", { users: { [ALICE]: "none" } }, {}, "no_access"],
  // Rooms.
  ["a room is blocked", { rooms: { [ROOM]: "none" } }, {}, "room_blocked"],
  ["a room is blocked for admins", { rooms: { [ROOM]: "none" }, access: { admins: [ALICE] } }, {}, "room_blocked"],
  ["all rooms but one are blocked", { rooms: { "*": "none", [ROOM]: "allowed" } }, {}, "user"],
  ["all rooms but others are blocked", { rooms: { "*": "none", "!other:*": "allowed" } }, {}, "room_blocked"],
  ["a blocked room blocks nothing outside it", { rooms: { "*": "none" } }, { roomId: undefined }, "user"],
  ["an allowed room lets nobody in", { rooms: { [ROOM]: "allowed" } }, { userId: REMOTE }, "no_access"],
  ["a room lets everybody in", { rooms: { [ROOM]: "user" } }, { userId: REMOTE }, "user"],
  [
    "a room goes before the server",
    { rooms: { [ROOM]: "user" }, servers: { "elsewhere.example": "none" } },
    { userId: REMOTE },
    "user",
  ],
  [
    "a room comes after the user",
    { rooms: { [ROOM]: "user" }, users: { [REMOTE]: "none" } },
    { userId: REMOTE },
    "no_access",
  ],
  ["a room gives its level", { rooms: { [ROOM]: "moderator" } }, { act: "moderate" }, "moderator"],
  ["a room takes no level away from a user", { rooms: { [ROOM]: "user" }, users: { [ALICE]: "admin" } }, {}, "admin"],
  // Agents.
  ["an agent is for some", { agents: { llama: [ALICE] } }, {}, "user"],
  ["an agent is not for others", { agents: { llama: [REMOTE] } }, {}, "not_this_agent"],
  ["an agent is for nobody", { agents: { llama: [] } }, {}, "not_this_agent"],
  ["another agent is for everybody", { agents: { qwen: [] } }, {}, "user"],
  ["an agent can be named by a pattern", { agents: { "*-cloud": [] } }, { agent: "big-cloud" }, "not_this_agent"],
  ["an agent's own name goes before a pattern", { agents: { "*": [], llama: ["@*:*"] } }, {}, "user"],
  ["an agent's list lets nobody in without access", { agents: { llama: ["@*:*"] } }, { userId: REMOTE }, "no_access"],
  ["the bot is for everybody", { agents: { "*": [] } }, { agent: undefined }, "user"],
  // Sizes.
  ["a room that is small enough", { maxRoomMembers: 10 }, { members: 10 }, "user"],
  ["a room that is too large", { maxRoomMembers: 10 }, { members: 11 }, "room_too_large"],
  ["a room of unknown size", { maxRoomMembers: 10 }, {}, "user"],
  ["a room of any size", {}, { members: 1e6 }, "user"],
  // Ban lists.
  ["somebody is banned", { bans: [{ kind: "user", entity: "@ali*:*" }] }, {}, "banned"],
  ["a server is banned", { bans: [{ kind: "server", entity: "example.org" }] }, {}, "banned"],
  ["a room is banned", { bans: [{ kind: "room", entity: ROOM }] }, {}, "banned"],
  ["a moderator is banned", { users: { [ALICE]: "moderator" }, bans: [{ kind: "user", entity: ALICE }] }, {}, "banned"],
  ["an admin is not banned", { users: { [ALICE]: "admin" }, bans: [{ kind: "user", entity: "@*:*" }] }, {}, "admin"],
  ["somebody else is banned", { bans: [{ kind: "user", entity: REMOTE }] }, {}, "user"],
  ["nobody is answered in a ban list", { banLists: [ROOM] }, { agent: undefined }, "ban_list"],
  ["no agent joins a ban list", { banLists: [ROOM] }, { act: "invite" }, "ban_list"],
  [
    "the bot joins a ban list, whoever invites it",
    { banLists: [ROOM] },
    { act: "invite", agent: undefined, userId: REMOTE },
    "none",
  ],
  // The homeserver asks without a user.
  ["an agent that somebody may use is there", {}, { act: "query", userId: undefined, roomId: undefined }, "user"],
  [
    "an agent that nobody may use is not there",
    { agents: { llama: [] } },
    { act: "query", userId: undefined, roomId: undefined },
    "not_this_agent",
  ],
];

describe("the decision about a request", () => {
  for (const [what, rules, request, expected] of TABLE) {
    it(`${what}: ${expected}`, () => {
      assert.equal(outcome(rules, request), expected);
    });
  }

  it("is the same for everything that people do", () => {
    for (const act of [
      "invite",
      "message",
      "edit",
      "command",
      "reaction",
      "overheard",
      "verification",
    ] satisfies Act[]) {
      assert.equal(outcome({}, { act }), "user", act);
      assert.equal(outcome({}, { act, userId: REMOTE }), "no_access", act);
      assert.equal(outcome({ bans: [{ kind: "user", entity: ALICE }] }, { act }), "banned", act);
    }
  });

  it("counts all rooms together where none is named: a rule for some room gives what the others do not", () => {
    const somewhere = (rules: Rules, userId: string): boolean =>
      allowedSomewhere(policyOf(rules), { act: "overheard", userId, agent: "llama" });
    assert.equal(somewhere({}, ALICE), true);
    assert.equal(somewhere({}, REMOTE), false);
    assert.equal(somewhere({ rooms: { "!*:elsewhere.example": "user" } }, REMOTE), true);
    assert.equal(somewhere({ rooms: { [ROOM]: "none" } }, ALICE), true);
    assert.equal(somewhere({ rooms: { [ROOM]: "allowed" } }, REMOTE), false);
    assert.equal(somewhere({ rooms: { [ROOM]: "user" }, users: { [REMOTE]: "none" } }, REMOTE), false);
    assert.equal(somewhere({ agents: { llama: [REMOTE] } }, ALICE), false);
  });
});
