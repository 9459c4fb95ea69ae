import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EncryptionTarget } from "../../../src/crypto/encryption-target.ts";
import { isStillSettled, usedBy, type SettledSharing } from "../../../src/crypto/settled-sharing.ts";

const MINUTE = 60_000;
const WEEK = 7 * 24 * 60 * MINUTE;

const TARGET: EncryptionTarget = {
  roomId: "!room:example.test",
  encryption: { algorithm: "m.megolm.v1.aes-sha2", rotationPeriodMs: WEEK, rotationPeriodMessages: 100 },
  historyVisibility: "shared",
  recipients: ["@agent_llama:example.test", "@alice:example.test"],
  sendTo: "cross-signed-tofu",
  onChangedIdentity: "silence",
};

const SETTLED: SettledSharing = {
  target: TARGET,
  peopleVersion: 3,
  at: WEEK,
  leftOut: [],
  session: { sessionId: "a", begun: { at: WEEK, encryption: TARGET.encryption }, index: 7 },
};

const NOW = { peopleVersion: 3, at: WEEK + 1_000 };

describe("a room key that everybody has", () => {
  it("serves for the next message while nothing has changed", () => {
    assert.equal(isStillSettled(SETTLED, { ...TARGET, recipients: [...TARGET.recipients] }, NOW), true);
  });

  for (const [change, target] of [
    ["somebody has come", { recipients: [...TARGET.recipients, "@bob:example.test"] }],
    ["somebody has gone", { recipients: TARGET.recipients.slice(1) }],
    ["somebody has come for somebody else", { recipients: ["@agent_llama:example.test", "@bob:example.test"] }],
    ["less trust is enough", { sendTo: "unverified" }],
    ["more trust is needed", { sendTo: "cross-signed-verified" }],
    ["newcomers may read less", { historyVisibility: "joined" }],
    ["changed identities are treated otherwise", { onChangedIdentity: "leave_out" }],
    ["a new session is wanted", { newSession: true }],
    ["another room is meant", { roomId: "!other:example.test" }],
    ["sessions are to be shorter", { encryption: { ...TARGET.encryption, rotationPeriodMessages: 50 } }],
    ["sessions are to end sooner", { encryption: { ...TARGET.encryption, rotationPeriodMs: WEEK / 2 } }],
  ] satisfies [string, Partial<EncryptionTarget>][]) {
    it(`does not serve when ${change}`, () => {
      assert.equal(isStillSettled(SETTLED, { ...TARGET, ...target }, NOW), false);
    });
  }

  it("does not serve when anything about people was written, after a minute, or when the clock went back", () => {
    assert.equal(isStillSettled(SETTLED, TARGET, { ...NOW, peopleVersion: 4 }), false);
    assert.equal(isStillSettled(SETTLED, TARGET, { ...NOW, at: WEEK + MINUTE }), false);
    assert.equal(isStillSettled(SETTLED, TARGET, { ...NOW, at: WEEK - 1 }), false);
    const nobodyKnows = { ...SETTLED, peopleVersion: Number.NaN };
    assert.equal(isStillSettled(nobodyKnows, TARGET, { ...NOW, peopleVersion: Number.NaN }), false);
  });

  it("does not serve near the end of its session, by messages or by age", () => {
    const used = (session: Partial<SettledSharing["session"]>): boolean =>
      isStillSettled({ ...SETTLED, session: { ...SETTLED.session, ...session } }, TARGET, NOW);
    assert.deepEqual([used({ index: 97 }), used({ index: 98 }), used({ index: 99 })], [true, false, false]);
    const begun = (at: number): boolean => used({ begun: { at, encryption: TARGET.encryption } });
    assert.deepEqual([begun(3 * MINUTE), begun(1_000)], [true, false]);
  });

  it("does not serve beyond the limits that its session was begun with, nor beyond the engine's own", () => {
    const used = (index: number, first: number, then: number): boolean => {
      const limited = (rotationPeriodMessages: number): EncryptionTarget["encryption"] => ({
        ...TARGET.encryption,
        rotationPeriodMessages,
      });
      const target = { ...TARGET, encryption: limited(then) };
      const session = { sessionId: "a", begun: { at: WEEK, encryption: limited(first) }, index };
      return isStillSettled({ ...SETTLED, target, session }, target, NOW);
    };
    assert.deepEqual([used(97, 100, 1_000), used(98, 100, 1_000)], [true, false]);
    assert.deepEqual([used(9_997, 1e6, 1e6), used(9_998, 1e6, 1e6)], [true, false]);
  });
});

describe("the use of a session", () => {
  it("is known from its first message on, and not where a former process began it", () => {
    const begun = { at: 5, encryption: TARGET.encryption };
    const later = { ...begun, at: 9 };
    const first = usedBy(undefined, { sessionId: "a", index: 0 }, begun);
    assert.deepEqual(first, { sessionId: "a", begun, index: 0 });
    assert.deepEqual(usedBy(first, { sessionId: "a", index: 1 }, later), { sessionId: "a", begun, index: 1 });
    assert.deepEqual(usedBy(first, { sessionId: "b", index: 0 }, later), { sessionId: "b", begun: later, index: 0 });
    assert.equal(usedBy(undefined, { sessionId: "a", index: 12 }, begun), undefined);
    assert.equal(usedBy(first, { sessionId: "b", index: 12 }, begun), undefined);
    assert.equal(usedBy(first, { sessionId: "a", index: undefined }, begun), undefined);
    assert.equal(usedBy(first, { sessionId: "b", index: 0 }, undefined), undefined);
  });
});
