import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Semaphore } from "../../../../src/concurrency/semaphore.ts";
import { hasUnread } from "../../../../src/ghost/device/unread.ts";
import type { HomeserverClient, HomeserverRequest } from "../../../../src/homeserver/client.ts";
import { HomeserverUnreachable, MatrixError } from "../../../../src/homeserver/errors.ts";
import { silentLogger } from "../../../../src/observability/log.ts";

const NOTHING = {
  next_batch: "s2",
  device_one_time_keys_count: { signed_curve25519: 50 },
  device_unused_fallback_key_types: ["signed_curve25519"],
};

async function ask(answer: () => Promise<unknown>): Promise<{ readonly unread: boolean; readonly since: unknown }> {
  let since: unknown;
  const request = ({ query }: HomeserverRequest): Promise<unknown> => {
    since = query?.["since"];
    return answer();
  };
  const unread = await hasUnread(
    { client: { request } as unknown as HomeserverClient, syncing: new Semaphore(1) },
    { userId: "@agent_llama:hs", deviceId: "DEVICE" },
    "s1",
    silentLogger(),
  );
  return { unread, since };
}

describe("an unloaded device", () => {
  it("has nothing unread where the server has nothing after its stored position", async () => {
    assert.deepEqual(await ask(() => Promise.resolve(NOTHING)), { unread: false, since: "s1" });
  });

  for (const [what, answer] of [
    ["a message", { to_device: { events: [{ type: "m.room.encrypted", sender: "@ann:hs", content: {} }] } }],
    ["a changed device list", { device_lists: { changed: ["@ann:hs"] } }],
    ["a user that it no longer shares a room with", { device_lists: { left: ["@ann:hs"] } }],
    ["a used one-time key", { device_one_time_keys_count: { signed_curve25519: 49 } }],
    ["no one-time keys", { device_one_time_keys_count: {} }],
    ["a used fallback key", { device_unused_fallback_key_types: [] }],
  ] as const) {
    it(`has to be opened for ${what}`, async () => {
      assert.equal((await ask(() => Promise.resolve({ ...NOTHING, ...answer }))).unread, true);
    });
  }

  it("waits for the next round where the server can't be asked, and has to be opened where it refuses", async () => {
    const away = new HomeserverUnreachable("GET sync", "TIMEOUT", "no answer");
    assert.equal((await ask(() => Promise.reject(away))).unread, false);
    const refusal = { status: 400, errcode: "ORG.MATRIX.MSC4326.M_UNKNOWN_DEVICE", error: "", retryAfterMs: undefined };
    assert.equal((await ask(() => Promise.reject(new MatrixError("GET sync", refusal)))).unread, true);
  });
});
