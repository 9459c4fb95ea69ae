import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MOST_AN_HOUR, ToDeviceQuota, type Standing } from "../../../../src/ghost/device/to-device-quota.ts";

const AGENT = "@agent_llama:example.org";
const KEY = "m.room.encrypted";

/** The number of accepted messages of so many. */
function taken(quota: ToDeviceQuota, count: number, standing: Standing, sender: string, type = KEY, nowMs = 0): number {
  return Array.from({ length: count }).filter(() => quota.take({ sender, type }, standing, nowMs)).length;
}

describe("a message to an agent's device", () => {
  it("is accepted up to so many an hour, of each sender separately", () => {
    const quota = new ToDeviceQuota(AGENT);
    assert.equal(taken(quota, 5_000, "user", "@mallory:example.org"), MOST_AN_HOUR.user);
    assert.equal(taken(quota, 5_000, "neighbour", "@mia:example.org"), MOST_AN_HOUR.neighbour);
    assert.equal(taken(quota, 10, "user", "@alice:example.org"), 10);
    assert.equal(taken(quota, 1, "user", "@mallory:example.org", KEY, 3_599_999), 0);
    assert.equal(taken(quota, 5_000, "user", "@mallory:example.org", KEY, 3_600_000), MOST_AN_HOUR.user);
  });

  it("is accepted from strangers only where it is a verification, which is refused", () => {
    const quota = new ToDeviceQuota(AGENT);
    for (const type of [KEY, "m.room_key.withheld", "m.room_key_request", "org.example.junk"]) {
      assert.equal(taken(quota, 10, "stranger", "@mallory:example.org", type), 0);
    }
    const verification = "m.key.verification.request";
    assert.equal(taken(quota, 5_000, "stranger", "@mallory:example.org", verification), MOST_AN_HOUR.stranger);
  });

  it("is accepted from all users of another server together up to ten times as many, and from the agent's own server without that limit", () => {
    const quota = new ToDeviceQuota(AGENT);
    const of = (server: string): number =>
      Array.from({ length: 20 }, (_, user) => taken(quota, 1_000, "user", `@m${user}:${server}`)).reduce(
        (sum, count) => sum + count,
      );
    assert.equal(of("elsewhere.example"), 10 * MOST_AN_HOUR.user);
    assert.equal(taken(quota, 1, "neighbour", "@n:elsewhere.example"), 1);
    assert.equal(of("example.org"), 20 * MOST_AN_HOUR.user);
  });

  it("is always accepted from the agent itself", () => {
    assert.equal(taken(new ToDeviceQuota(AGENT), 5_000, "stranger", AGENT), 5_000);
  });
});
