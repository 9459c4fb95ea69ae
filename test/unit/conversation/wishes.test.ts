import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decisionOf, wishOf } from "../../../src/conversation/wishes.ts";

describe("the wish behind a reaction", () => {
  it("is the same for all forms of a picture", () => {
    assert.deepEqual(["🛑", "⏹", "⏹️", "✋🏿"].map(wishOf), ["stop", "stop", "stop", "stop"]);
    assert.deepEqual(["👍", "👍️", "👍🏻", "👎🏽"].map(wishOf), ["good", "good", "good", "bad"]);
    assert.deepEqual(["🔁", "🔁️", "🔄", "🔃️", "♻️", "▶️", "⏭"].map(wishOf), [
      ...Array<string>(5).fill("again"),
      ...Array<string>(2).fill("continue"),
    ]);
    assert.deepEqual(["🤚🏾", "🖐️", "🖐🏻", "⏹\ufe0e"].map(wishOf), Array(4).fill("stop"));
  });

  it("to a question for consent is yes or no, in all forms, and nothing else is either", () => {
    assert.deepEqual(["✅", "✅️", "☑", "☑️", "✔️"].map(decisionOf), Array(5).fill(true));
    assert.deepEqual(["❌", "❌️", "✖", "✖️", "❎"].map(decisionOf), Array(5).fill(false));
    assert.deepEqual(["👍", "🆗", "yes", "", "✅❌", "🛑"].map(decisionOf), Array(6).fill(undefined));
  });

  it("is missing for other reactions, words, and nothing", () => {
    const long = `🛑${"\ufe0f".repeat(40)}`;
    assert.deepEqual(["🎉", "stop", "", "🛑🛑", "constructor", long].map(wishOf), Array(6).fill(undefined));
  });
});
