import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { backoffMs } from "../../../src/concurrency/backoff.ts";

const BACKOFF = { firstMs: 500, longestMs: 8_000 };

describe("the pause before another try", () => {
  it("doubles up to the longest pause", () => {
    const waits = [0, 1, 2, 4, 5, 1_000_000].map((failures) => backoffMs(failures, BACKOFF, () => 1));
    assert.deepEqual(waits, [500, 1_000, 2_000, 8_000, 8_000, 8_000]);
  });

  it("is half random", () => {
    assert.equal(
      backoffMs(1, BACKOFF, () => 0),
      500,
    );
    assert.equal(
      backoffMs(1, BACKOFF, () => 0.5),
      750,
    );
    const wait = backoffMs(3, BACKOFF);
    assert.ok(wait >= 2_000 && wait <= 4_000, String(wait));
  });
});
