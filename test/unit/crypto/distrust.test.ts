import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { distrust } from "../../../src/crypto/distrust.ts";
import type { Shield } from "../../../src/crypto/shield.ts";
import type { TrustLevel } from "../../../src/config/config.ts";
import { type Distrust } from "../../../src/permissions/trust.ts";

const [ANY, SIGNED, TOFU, VERIFIED] = [
  "unverified",
  "cross-signed-untrusted",
  "cross-signed-tofu",
  "cross-signed-verified",
] as const;

/** The level from which a message with this shield is not acted on, and why. */
const CASES: readonly [Shield | undefined, isNew: boolean, from: readonly TrustLevel[], Distrust | undefined][] = [
  [undefined, false, [], undefined],
  ["unsigned_device", false, [SIGNED, TOFU, VERIFIED], "unsigned_device"],
  ["unknown_device", false, [SIGNED, TOFU, VERIFIED], "unsigned_device"],
  ["verification_violation", false, [SIGNED, TOFU, VERIFIED], "verified_identity_changed"],
  ["unverified_identity", true, [TOFU], "identity_changed"],
  ["unverified_identity", false, [VERIFIED], "unverified_identity"],
  ["authenticity_not_guaranteed", false, [VERIFIED], "unverified_identity"],
];

describe("distrust", () => {
  for (const [shield, isNew, from, why] of CASES) {
    it(`of ${shield ?? "no shield"}${isNew ? " and another identity" : ""} begins where it should`, () => {
      for (const level of [ANY, SIGNED, TOFU, VERIFIED]) {
        const expected = from.includes(level) ? why : undefined;
        if (isNew && level === VERIFIED) continue;
        assert.equal(distrust(shield, level, isNew), expected, level);
      }
    });
  }
});
