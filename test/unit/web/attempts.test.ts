import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Attempts } from "../../../src/web/attempts.ts";

/** Tries a wrong code. */
function isAllowed(attempts: Attempts, from: string, now = 0): boolean {
  const allowed = attempts.allows(from, now);
  if (allowed) attempts.failed(from);
  return allowed;
}

describe("failed attempts at signing in", () => {
  it("are ten a minute for one address", () => {
    const attempts = new Attempts();
    const allowed = Array.from({ length: 12 }, () => isAllowed(attempts, "192.0.2.1"));
    assert.deepEqual(allowed, [...Array<boolean>(10).fill(true), false, false]);
    assert.equal(isAllowed(attempts, "192.0.2.2"), true, "another address has its own");
    assert.equal(isAllowed(attempts, "192.0.2.1", 60_001), true, "a minute later");
  });

  it("are sixty a minute for all, however many addresses there are", () => {
    const attempts = new Attempts();
    const allowed = Array.from({ length: 100 }, (_, index) => isAllowed(attempts, `192.0.2.${index}`));
    assert.equal(allowed.filter(Boolean).length, 60);
  });
});
