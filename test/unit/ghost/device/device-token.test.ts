import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { actorOf, openToken, sealToken } from "../../../../src/ghost/device/device-token.ts";
import { SealBroken } from "../../../../src/sealing/sealed-text.ts";

const LLAMA = "@agent_llama:example.test";

describe("a device's own token", () => {
  it("is sealed, and opens for its device alone", async () => {
    const key = randomBytes(32);
    const sealed = sealToken(key, LLAMA, "DEVICE", "syt_secret");
    assert.ok(!Buffer.from(sealed, "base64").includes("syt_secret"));
    assert.equal(openToken(key, LLAMA, "DEVICE", sealed), "syt_secret");
    assert.throws(() => openToken(key, LLAMA, "OTHER", sealed), SealBroken);
    assert.throws(() => openToken(key, "@agent_max:example.test", "DEVICE", sealed), SealBroken);
    assert.throws(() => openToken(randomBytes(32), LLAMA, "DEVICE", sealed), SealBroken);
    const masterKey = { storeKey: () => Promise.resolve(key) };
    const device = { userId: LLAMA, deviceId: "DEVICE" };
    assert.deepEqual(await actorOf(masterKey, { ...device, accessToken: sealed }), {
      ...device,
      accessToken: "syt_secret",
    });
    assert.deepEqual(await actorOf(masterKey, { ...device, accessToken: undefined }), device);
  });
});
