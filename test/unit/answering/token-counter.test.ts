import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TokenCounter } from "../../../src/answering/token-counter.ts";
import { estimateTokens } from "../../../src/text/tokens.ts";

const TEXT = "The quick brown fox jumps over the lazy dog. ".repeat(20);

describe("the tokens of a model", () => {
  it("are a cautious estimate until it has counted, and come down to its count step by step", () => {
    const counter = new TokenCounter();
    const estimate = estimateTokens(TEXT);
    assert.equal(counter.of("m")(TEXT), estimate);
    counter.learn("m", 1_000, 600);
    const after = counter.of("m")(TEXT);
    assert.ok(after < estimate && after > estimate * 0.9);
    for (let i = 0; i < 100; i++) counter.learn("m", 1_000, 600);
    const settled = counter.of("m")(TEXT) / estimate;
    assert.ok(settled > 0.6 && settled < 0.7, String(settled));
    assert.equal(counter.of("other")(TEXT), estimate);
  });

  it("go up at once when it counts more", () => {
    const counter = new TokenCounter();
    for (let i = 0; i < 100; i++) counter.learn("m", 1_000, 500);
    counter.learn("m", 1_000, 850);
    assert.ok(counter.of("m")(TEXT) >= estimateTokens(TEXT) * 0.9);
  });

  it("are not learnt from short prompts, nor from tokens that a server had cached", () => {
    const counter = new TokenCounter();
    for (let i = 0; i < 100; i++) {
      counter.learn("m", 100, 50);
      counter.learn("m", 1_000, 20);
    }
    assert.equal(counter.of("m")(TEXT), estimateTokens(TEXT));
  });
});
