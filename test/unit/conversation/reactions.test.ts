import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { wishOf } from "../../../src/conversation/reactions.ts";

describe("the wish behind a reaction", () => {
  it("is the same for all forms of a picture", () => {
    assert.deepEqual(["🛑", "⏹", "⏹️", "✋🏿"].map(wishOf), ["stop", "stop", "stop", "stop"]);
    assert.deepEqual(["👍", "👍️", "👍🏻", "👎🏽"].map(wishOf), ["good", "good", "good", "bad"]);
    assert.deepEqual(["🔁", "▶️"].map(wishOf), ["again", "continue"]);
  });

  it("is none behind others, words, and nothing", () => {
    assert.deepEqual(["🎉", "stop", "", "🛑🛑", "constructor"].map(wishOf), Array(5).fill(undefined));
  });
});
