import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decideInvite, type InviteDecision, type KnownInvite } from "../../../src/ghost/invite-decision.ts";

const INVITE: KnownInvite = {
  permission: { allowed: true, level: "user" },
  isBanList: false,
  isSpace: false,
  isEncrypted: true,
  mode: "default",
  canEncrypt: true,
};

describe("an invite", () => {
  const cases: readonly [string, Partial<KnownInvite>, InviteDecision][] = [
    ["is accepted, and counts against the inviter's quota", {}, { kind: "accept", counts: true }],
    [
      "by a person without access is declined, whatever the room is",
      { permission: { allowed: false, reason: "no_access" }, isBanList: true },
      { kind: "not_permitted", reason: "no_access" },
    ],
    [
      "to a ban list is accepted and does not count against the quota",
      { isBanList: true, mode: "off" },
      { kind: "accept", counts: false },
    ],
    ["to an encrypted room is declined by an agent without a device", { canEncrypt: false }, { kind: "no_device" }],
    [
      "to an unencrypted room is accepted by an agent without a device",
      { canEncrypt: false, isEncrypted: false },
      { kind: "accept", counts: true },
    ],
    [
      "that does not tell of encryption is accepted by an agent without a device",
      { canEncrypt: false, isEncrypted: undefined },
      { kind: "accept", counts: true },
    ],
    [
      "to an encrypted space is accepted by an agent without a device",
      { canEncrypt: false, isSpace: true },
      { kind: "accept", counts: true },
    ],
    ["to an encrypted room is declined where agents don't encrypt", { mode: "off" }, { kind: "wrong_encryption" }],
    [
      "to an unencrypted room is declined where agents must encrypt",
      { mode: "require", isEncrypted: false },
      { kind: "wrong_encryption" },
    ],
    ["to an encrypted room is accepted where they must", { mode: "require" }, { kind: "accept", counts: true }],
    [
      "that does not say whether the room is encrypted is accepted, because the room's state says it",
      { mode: "require", isEncrypted: undefined },
      { kind: "accept", counts: true },
    ],
    [
      "to a space is accepted whatever its encryption: nobody talks there",
      { mode: "require", isEncrypted: false, isSpace: true },
      { kind: "accept", counts: true },
    ],
  ];
  for (const [name, known, decision] of cases) {
    it(name, () => assert.deepEqual(decideInvite({ ...INVITE, ...known }), decision));
  }
});
