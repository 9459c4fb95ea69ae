import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { listedModels } from "../../../src/providers/listed-models.ts";

describe("what a provider lists", () => {
  it("has bounds, whatever a server lists", () => {
    assert.equal(listedModels(Array.from({ length: 100_000 }, (_, index) => `model ${index}`)).length, 2_000);
    assert.deepEqual(listedModels(["a".repeat(1_000_000), "llama3.2:3b"]), [{ name: "llama3.2:3b" }]);
    assert.throws(() => listedModels([undefined]), { code: "malformed" });
  });
});
