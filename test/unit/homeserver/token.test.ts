import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createTokenCheck } from "../../../src/homeserver/token.ts";

describe("the hs_token", () => {
  const check = createTokenCheck("secret");
  for (const [header, verdict] of [
    ["Bearer secret", "valid"],
    ["bearer secret", "valid"],
    ["Bearer  secret ", "valid"],
    ["Bearer Secret", "wrong"],
    ["Bearer secre", "wrong"],
    ["Bearer secrets", "wrong"],
    ["Bearer undefined", "wrong"],
    ["Bearer secret secret", "missing"],
    ["Bearer ", "missing"],
    ["Bearer", "missing"],
    ["secret", "missing"],
    ["Basic secret", "missing"],
    ["", "missing"],
    [undefined, "missing"],
  ] as const) {
    it(`is ${verdict} in ${JSON.stringify(header)}`, () => assert.equal(check(header), verdict));
  }
});
