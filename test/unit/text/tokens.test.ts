import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { estimateTokens } from "../../../src/text/tokens.ts";

describe("the estimate of tokens", () => {
  it("is zero for nothing, and more for anything", () => {
    assert.equal(estimateTokens(""), 0);
    assert.equal(estimateTokens("a"), 1);
  });

  // Bounds, because each model's tokenizer counts differently: a word or a script's character rarely costs less.
  for (const [what, text, atLeast, atMost] of [
    ["English", "The quick brown fox jumps over the lazy dog.", 10, 20],
    ["digits", "3141592653", 10, 10],
    ["code", "for (let i = 0; i < n; i++) { sum += a[i]; }", 22, 44],
    ["base64", "TWF0cml4QWdlbnRzQXJlUmVhbFVzZXJzMTIzNDU2Nzg5MA", 20, 46],
    ["Cyrillic", "Привет, как дела?", 8, 17],
    ["Chinese", "你好,世界", 4, 12],
    ["emoji", "👩‍🚀", 6, 12],
  ] as const) {
    it(`is no less than the cost of ${what}, and no more than a token a byte`, () => {
      const estimate = estimateTokens(text);
      assert.ok(estimate >= atLeast && estimate <= atMost, String(estimate));
      assert.ok(estimate <= Buffer.byteLength(text));
    });
  }

  it("grows in proportion to the text", () => {
    const text = "Hello, Wörld! 你好 👋\n";
    assert.equal(estimateTokens(text.repeat(300)), 100 * estimateTokens(text.repeat(3)));
  });

  it("accepts lone surrogates", () => {
    assert.ok(estimateTokens("\ud83d") > 0);
  });
});
