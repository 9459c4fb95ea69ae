import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HomeserverUnreachable, MatrixError } from "../../../src/homeserver/errors.ts";
import { lookAgainMs, retryDelayMs } from "../../../src/homeserver/retry.ts";

function answered(status: number, retryAfterMs?: number): MatrixError {
  return new MatrixError("GET /x", { status, errcode: "M_X", error: "", retryAfterMs });
}

describe("the wait before another attempt", () => {
  const broken = new HomeserverUnreachable("GET /x", "ECONNREFUSED", "refused");

  it("doubles up to half a minute", () => {
    const waits = [1, 2, 3, 6, 7, 8, 10_000].map((attempt) => retryDelayMs(broken, attempt, () => 1));
    assert.deepEqual(waits, [500, 1000, 2000, 16_000, 30_000, 30_000, 30_000]);
  });

  it("is random in its upper half", () => {
    assert.equal(
      retryDelayMs(broken, 3, () => 0),
      1000,
    );
    assert.equal(
      retryDelayMs(broken, 3, () => 0.5),
      1500,
    );
  });

  it("is what the homeserver asks for", () => {
    assert.equal(retryDelayMs(answered(429, 1234), 5), 1234);
    assert.equal(retryDelayMs(answered(429, 0), 5), 0);
  });

  it("is never longer than a minute before a look whether the homeserver is back", () => {
    assert.equal(lookAgainMs(answered(503, 3_600_000), 1), 60_000);
    assert.equal(lookAgainMs(answered(429, 1234), 5), 1234);
  });
});

describe("an error of the homeserver", () => {
  for (const [status, retryable] of [
    [400, false],
    [401, false],
    [403, false],
    [404, false],
    [408, true],
    [413, false],
    [429, true],
    [500, true],
    [502, true],
    [504, true],
  ] as const) {
    it(`with ${status} is ${retryable ? "" : "not "}worth another attempt`, () =>
      assert.equal(answered(status).retryable, retryable));
  }
});
