import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { usageOf } from "../../../src/providers/usage.ts";

describe("a server's count of tokens", () => {
  it("is believed where it is possible, and ignored otherwise", () => {
    assert.deepEqual(usageOf(19, 0), { promptTokens: 19, answerTokens: 0 });
    for (const odd of [1.5, 1e12, Infinity, NaN, -1, -1e9, "19", null, undefined, {}, [19], 100_000_001]) {
      assert.equal(usageOf(odd, 10), undefined, JSON.stringify(odd));
      assert.equal(usageOf(10, odd), undefined, JSON.stringify(odd));
    }
  });
});
