import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TrustPolicy } from "../../../src/config/config.ts";
import { trustIn } from "../../../src/permissions/trust.ts";

describe("trustIn", () => {
  const policy: TrustPolicy = {
    everywhere: { send: "cross-signed-untrusted", read: "cross-signed-untrusted" },
    agents: new Map([["open", { read: "unverified", send: "unverified" }]]),
    rooms: new Map([["!vault:x", { read: "cross-signed-verified" }]]),
  };

  it("is the default where nothing else is set, for the bot too", () => {
    assert.deepEqual(trustIn(policy, "llama", "!a:x"), policy.everywhere);
    assert.deepEqual(trustIn(policy, undefined, "!a:x"), policy.everywhere);
  });

  it("is the agent's setting, except where the room has one", () => {
    assert.deepEqual(trustIn(policy, "open", "!a:x"), { read: "unverified", send: "unverified" });
    assert.deepEqual(trustIn(policy, "open", "!vault:x"), { read: "cross-signed-verified", send: "unverified" });
    assert.deepEqual(trustIn(policy, undefined, "!vault:x"), {
      read: "cross-signed-verified",
      send: "cross-signed-untrusted",
    });
  });
});
