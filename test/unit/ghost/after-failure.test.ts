import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { afterFailure } from "../../../src/ghost/after-failure.ts";
import { HomeserverUnreachable, MatrixError } from "../../../src/homeserver/errors.ts";
import { LeaseHeld, StaleLease } from "../../../src/leases/leases.ts";

const GHOST = "@agent_llama:example.test";

function answered(status: number, errcode: string, retryAfterMs?: number): MatrixError {
  return new MatrixError("PUT /x", { status, errcode, error: "", retryAfterMs });
}

function waitAfter(error: unknown, before: number, jitter = 1): number {
  const next = afterFailure(error, { before, jitter });
  return next.kind === "retry" ? next.waitMs : NaN;
}

describe("a ghost that was interrupted", () => {
  const now = { before: 0, jitter: 1 };

  it("leaves itself to the process that has taken it over", () => {
    assert.deepEqual(afterFailure(new LeaseHeld(GHOST), now), { kind: "leave" });
  });

  it("halts when its device is gone", () => {
    for (const errcode of ["M_UNKNOWN_DEVICE", "ORG.MATRIX.MSC4326.M_UNKNOWN_DEVICE"]) {
      assert.deepEqual(afterFailure(answered(400, errcode), now), { kind: "halt" });
    }
  });

  it("is loaded again before it goes on when its lease turned out to be another's", () => {
    const stale = afterFailure(new StaleLease({ ghost: GHOST, epoch: 1 }), now);
    assert.deepEqual(stale, { kind: "retry", waitMs: 500, reloads: true });
    assert.deepEqual(afterFailure(new Error("x"), now), { kind: "retry", waitMs: 500, reloads: false });
  });

  it("waits longer each time, a minute at most, and at other times than other ghosts", () => {
    const away = new HomeserverUnreachable("PUT /x", "ECONNREFUSED", "refused");
    assert.deepEqual([waitAfter(away, 0), waitAfter(away, 1), waitAfter(away, 2)], [500, 1_000, 2_000]);
    assert.equal(waitAfter(away, 1_000), 60_000);
    assert.deepEqual([waitAfter(away, 0, 0), waitAfter(away, 0, 1)], [250, 500]);
  });

  it("waits as long as the homeserver asks for", () => {
    assert.equal(waitAfter(answered(429, "M_LIMIT_EXCEEDED", 7_000), 0), 7_000);
  });
});
