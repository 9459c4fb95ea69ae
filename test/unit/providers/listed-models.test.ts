import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { listedModels } from "../../../src/providers/listed-models.ts";

describe("the list of a provider's models", () => {
  it("has bounds, whatever a server lists", () => {
    const many = Array.from({ length: 100_000 }, (_, index) => ({ name: `model ${index}` }));
    assert.equal(listedModels(many).length, 2_000);
    const listed = listedModels([{ name: "a".repeat(1_000_000) }, { name: "llama3.2:3b" }]);
    assert.deepEqual(listed, [{ name: "llama3.2:3b", canChat: true }]);
    const odd = [undefined, null, 3, {}, "", "x\0y", "q\ud800z", "phi4"].map((name) => ({ name }));
    assert.deepEqual(listedModels(odd), [{ name: "phi4", canChat: true }]);
  });
});
