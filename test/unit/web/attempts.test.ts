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

  it("of many strangers lock nobody else out", () => {
    const attempts = new Attempts();
    for (let index = 0; index < 25_000; index++) isAllowed(attempts, `2001:db8:0:${index.toString(16)}::1`);
    assert.equal(isAllowed(attempts, "192.0.2.1"), true);
  });

  it("count together for the addresses of one network of IPv6, and apart for those of IPv4", () => {
    const attempts = new Attempts();
    const six = Array.from({ length: 12 }, (_, index) => isAllowed(attempts, `2001:db8::${index}`));
    assert.equal(six.filter(Boolean).length, 10);
    assert.equal(isAllowed(attempts, "2001:db8:0:0:ffff::"), false, "written otherwise");
    assert.equal(isAllowed(attempts, "2001:db8:0:1::"), true);
    const four = Array.from({ length: 12 }, (_, index) => isAllowed(attempts, `::ffff:192.0.2.${index}`));
    assert.equal(four.filter(Boolean).length, 12);
  });
});
