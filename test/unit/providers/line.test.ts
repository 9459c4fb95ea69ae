import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Line } from "../../../src/providers/line.ts";

describe("the line at a model server", () => {
  it("tells each of signs for those before it, and of their end, and of nobody else's", () => {
    const line = new Line();
    const [first, second, third] = [line.enter(), line.enter(), line.enter()];
    second.sign();
    assert.deepEqual([first.lastSignBefore, second.lastSignBefore], [-Infinity, -Infinity]);
    assert.ok(Number.isFinite(third.lastSignBefore));
    first.leave();
    assert.ok(Number.isFinite(second.lastSignBefore));
    const heard = second.lastSignBefore;
    first.sign();
    assert.equal(second.lastSignBefore, heard, "who has left says nothing");
    third.leave();
    second.leave();
    assert.equal(line.enter().lastSignBefore, -Infinity);
  });
});
