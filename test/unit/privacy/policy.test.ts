import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cloudPolicyIn, countedIn, mayLeave } from "../../../src/privacy/policy.ts";

describe("the decision whether words may leave the network", () => {
  it("is not needed for words that stay", () => {
    for (const policy of ["deny", "ask", "allow"] as const) {
      for (const consent of [true, false, undefined]) assert.equal(mayLeave("local", policy, consent), "yes");
    }
  });

  it("is made by the admin, then by the room", () => {
    const decided = (policy: "deny" | "ask" | "allow"): string[] =>
      [undefined, true, false].map((consent) => mayLeave("cloud", policy, consent));
    assert.deepEqual(decided("deny"), ["denied", "denied", "denied"]);
    assert.deepEqual(decided("ask"), ["ask", "yes", "declined"]);
    assert.deepEqual(decided("allow"), ["yes", "yes", "declined"]);
  });

  it("counts no unencrypted yes once the room is encrypted; an unencrypted no still counts", () => {
    const counted = (isEncrypted: boolean): (boolean | undefined)[] =>
      [
        { granted: true, encrypted: true },
        { granted: true, encrypted: false },
        { granted: false, encrypted: true },
        { granted: false, encrypted: false },
        undefined,
      ].map((given) => countedIn(isEncrypted, given));
    assert.deepEqual(counted(false), [true, true, false, false, undefined]);
    assert.deepEqual(counted(true), [true, undefined, false, false, undefined]);
  });

  it("follows the admin's setting for the room, or for its kind of room", () => {
    const policy = { cloud: "ask", encrypted: "deny", rooms: new Map([["!a:b", "allow" as const]]) } as const;
    assert.deepEqual(
      [cloudPolicyIn(policy, "!a:b", true), cloudPolicyIn(policy, "!x:b", true), cloudPolicyIn(policy, "!x:b", false)],
      ["allow", "deny", "ask"],
    );
  });
});
