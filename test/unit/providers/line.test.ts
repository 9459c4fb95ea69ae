import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Line } from "../../../src/providers/line.ts";

describe("the queue at a model server", () => {
  it("tells each waiting request about signs and the end of those before it, and of no others", () => {
    const line = new Line();
    const [first, second, third] = [line.enter(), line.enter(), line.enter()];
    second.sign();
    assert.deepEqual([first.lastSignBefore, second.lastSignBefore], [-Infinity, -Infinity]);
    assert.ok(Number.isFinite(third.lastSignBefore));
    first.leave();
    assert.ok(Number.isFinite(second.lastSignBefore));
    const heard = second.lastSignBefore;
    first.sign();
    assert.equal(second.lastSignBefore, heard, "a request that has left reports nothing");
    third.leave();
    second.leave();
    assert.equal(line.enter().lastSignBefore, -Infinity);
  });
});
