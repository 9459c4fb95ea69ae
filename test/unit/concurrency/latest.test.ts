import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Latest } from "../../../src/concurrency/latest.ts";

describe("what was added last", () => {
  it("is known, and no more than so many: the oldest goes first", () => {
    const latest = new Latest(3);
    for (const text of ["a", "b", "c", "a", "d"]) latest.add(text);
    assert.deepEqual(
      ["a", "b", "c", "d"].map((text) => latest.has(text)),
      [true, false, true, true],
    );
  });
});
