import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { usedNow, waitMs } from "../../../src/turns/wearing-off.ts";

const HOUR_MS = 3_600_000;

describe("a day's limit", () => {
  it("wears off evenly, and never below nothing", () => {
    assert.equal(usedNow(24, 24, HOUR_MS), 23);
    assert.equal(usedNow(24, 24, 24 * HOUR_MS), 0);
    assert.equal(usedNow(1, 24, 48 * HOUR_MS), 0);
    assert.equal(usedNow(100, 24, 0), 100, "an answer may take more than was left");
  });

  it("says how long it takes until there is room again", () => {
    assert.equal(waitMs(23, 24, 1), 0);
    assert.equal(waitMs(24, 24, 1), HOUR_MS);
    assert.equal(waitMs(48, 24, 1), 25 * HOUR_MS);
  });
});
