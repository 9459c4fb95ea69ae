import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { auditOfMembership } from "../../../src/ghost/own-membership.ts";

const GHOST = "@agent_llama:hs";
const ROOM = "!room:hs";

function audit(membership: string, before: string | undefined, sender = GHOST): unknown {
  return auditOfMembership(GHOST, {
    event_id: "$event",
    room_id: ROOM,
    sender,
    type: "m.room.member",
    state_key: GHOST,
    content: { membership },
    origin_server_ts: 0,
    unsigned: before === undefined ? {} : { prev_content: { membership: before }, prev_sender: "@ann:hs" },
  });
}

describe("the audit log's record of an agent's memberships", () => {
  const entry = { ghost: GHOST, room: ROOM };

  it("says that it joined, and who invited it, once", () => {
    assert.deepEqual(audit("join", "invite"), { kind: "agent.joined", ...entry, by: "@ann:hs" });
    assert.deepEqual(audit("join", undefined), { kind: "agent.joined", ...entry, by: undefined });
    assert.equal(audit("join", "join"), undefined, "a new profile");
    assert.equal(audit("invite", undefined, "@ann:hs"), undefined);
  });

  it("says that it left, was removed or banned, where it was in the room", () => {
    assert.deepEqual(audit("leave", "join"), { kind: "agent.left", ...entry, how: "left" });
    assert.deepEqual(audit("leave", "join", "@ann:hs"), {
      kind: "agent.left",
      ...entry,
      by: "@ann:hs",
      how: "removed",
    });
    assert.deepEqual(audit("ban", "join", "@ann:hs"), { kind: "agent.left", ...entry, by: "@ann:hs", how: "banned" });
    assert.equal(audit("leave", "invite"), undefined, "a declined invite");
    assert.equal(audit("leave", "ban", "@ann:hs"), undefined, "a ban taken back");
  });
});
