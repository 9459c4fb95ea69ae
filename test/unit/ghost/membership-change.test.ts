import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mayBePast, membershipChange, type OwnMembershipChange } from "../../../src/ghost/membership-change.ts";

function member(membership: unknown, before?: unknown) {
  const unsigned = before === undefined ? undefined : { prev_content: { membership: before } };
  return {
    event_id: "$member",
    room_id: "!room:example.test",
    sender: "@alice:example.test",
    origin_server_ts: 1,
    type: "m.room.member",
    state_key: "@agent_llama:example.test",
    content: { membership },
    ...(unsigned === undefined ? {} : { unsigned }),
  };
}

describe("a ghost's own membership event", () => {
  const cases: readonly [string, ReturnType<typeof member>, OwnMembershipChange][] = [
    ["that invites", member("invite"), { kind: "invited" }],
    ["that is a join after an invite", member("join", "invite"), { kind: "entered" }],
    ["that only changes its profile", member("join", "join"), { kind: "joined" }],
    ["that is a join without an invite", member("join"), { kind: "joined" }],
    ["that removes it", member("leave", "join"), { kind: "gone", membership: "leave" }],
    ["that bans it", member("ban", "join"), { kind: "gone", membership: "ban" }],
    ["that knocks for it", member("knock"), { kind: "gone", membership: "knock" }],
    ["that says nothing", member(undefined), { kind: "gone", membership: undefined }],
  ];
  for (const [name, event, change] of cases) {
    it(`${name} means "${change.kind}"`, () => assert.deepEqual(membershipChange(event), change));
  }
});

describe("the decision whether a membership event may be outdated", () => {
  const cases: readonly [string, unknown, boolean, boolean][] = [
    ["a join never is", "join", false, false],
    ["a join that is tried again is not either", "join", true, false],
    ["a leave may be", "leave", false, true],
    ["a leave that is tried again may be", "leave", true, true],
    ["an invite may be", "invite", false, true],
    ["an invite that is tried again may be the one that was accepted", "invite", true, false],
  ];
  for (const [name, membership, isSuspect, past] of cases) {
    it(name, () => assert.equal(mayBePast({ event: member(membership), isSuspect }), past));
  }
});
