import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { boundedKeys, MAX_DEVICES } from "../../../src/crypto/bounded-keys.ts";

const OWN = "@agent_llama:example.org";
const MALLORY = "@mallory:example.org";

function devices(count: number, signed: readonly string[] = []): Record<string, object> {
  const ids = Array.from({ length: count }, (_, index) => `D${index}`);
  return Object.fromEntries(
    [...ids, ...signed].map((id) => [
      id,
      {
        signatures: { [MALLORY]: { [`ed25519:${id}`]: "x", ...(signed.includes(id) ? { "ed25519:self": "x" } : {}) } },
      },
    ]),
  );
}

describe("the answer to a query for devices", () => {
  it("has only so many of a person, those that are signed by their owner first, and all of its own", () => {
    const answer = {
      device_keys: { [MALLORY]: devices(1_000, ["Z1", "Z2"]), [OWN]: devices(600), "@alice:example.org": devices(2) },
      self_signing_keys: { [MALLORY]: { keys: { "ed25519:self": "x" } } },
      failures: { "elsewhere.example": {} },
    };
    const bounded = boundedKeys(answer, OWN) as typeof answer;
    const chosen = Object.keys(bounded.device_keys[MALLORY]);
    assert.equal(chosen.length, MAX_DEVICES);
    assert.deepEqual(chosen.slice(0, 2), ["Z1", "Z2"]);
    assert.equal(Object.keys(bounded.device_keys[OWN]).length, 600);
    assert.deepEqual(bounded.failures, answer.failures);
    assert.deepEqual(bounded.self_signing_keys, answer.self_signing_keys);
    assert.deepEqual(bounded.device_keys["@alice:example.org"], devices(2));
  });

  it("stays as it is when it has no more, or is invalid", () => {
    for (const answer of [
      { device_keys: { [MALLORY]: devices(500) } },
      {},
      { device_keys: 3 },
      { device_keys: null },
    ]) {
      assert.equal(boundedKeys(answer, OWN), answer);
    }
  });

  it("is checked quickly, however many keys are said to sign", () => {
    const names = Array.from({ length: 20_000 }, (_, index) => [`ed25519:k${index}`, "x"]);
    const answer = {
      device_keys: { [MALLORY]: devices(20_000) },
      self_signing_keys: { [MALLORY]: { keys: Object.fromEntries(names) as Record<string, string> } },
    };
    const before = process.threadCpuUsage();
    boundedKeys(answer, OWN);
    assert.ok(process.threadCpuUsage(before).user < 1_000_000);
  });
});
