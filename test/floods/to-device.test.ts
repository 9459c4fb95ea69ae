import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { keysOnlyDevice } from "../support/keys-only-device.ts";
import { ToDeviceFlood, type ToDevice } from "./to-device-flood.ts";
import { FloodWorld, type Flooder } from "./world.ts";

const COUNT = 10_000;

/** Data in the form of a key of a session or a device. */
function key(): string {
  return randomBytes(32).toString("base64").replace(/=+$/, "");
}

/** Messages of every kind that a device may get unencrypted, each different from the others. */
function junk(index: number, from: Pick<Flooder, "userId" | "deviceId">, agentKey: string): ToDevice {
  const id = randomUUID();
  const device = from.deviceId;
  const megolm = { algorithm: "m.megolm.v1.aes-sha2", room_id: `!${id}:example.test`, session_id: key() };
  const kinds: readonly Omit<ToDevice, "sender">[] = [
    { type: "org.example.junk", content: { junk: "x".repeat(1_000), id } },
    {
      type: "m.room_key_request",
      content: { action: "request", requesting_device_id: device, request_id: id, body: megolm },
    },
    {
      type: "m.room_key.withheld",
      content: { ...megolm, sender_key: key(), code: "m.unverified", reason: "no", from_device: device },
    },
    {
      type: "m.room.encrypted",
      content: {
        algorithm: "m.olm.v1.curve25519-aes-sha2",
        sender_key: key(),
        ciphertext: { [agentKey]: { type: index % 2, body: randomBytes(200).toString("base64") } },
      },
    },
    {
      type: "m.secret.request",
      content: { action: "request", name: "m.cross_signing.master", requesting_device_id: device, request_id: id },
    },
    {
      type: "m.key.verification.request",
      content: { from_device: device, methods: ["m.sas.v1"], timestamp: Date.now(), transaction_id: id },
    },
    {
      type: "m.key.verification.start",
      content: {
        from_device: device,
        method: "m.sas.v1",
        transaction_id: id,
        hashes: ["sha256"],
        key_agreement_protocols: ["curve25519-hkdf-sha256"],
        message_authentication_codes: ["hkdf-hmac-sha256.v2"],
        short_authentication_string: ["emoji", "decimal"],
      },
    },
    { type: "m.key.verification.mac", content: { transaction_id: id, keys: "none", mac: {} } },
  ];
  const kind = kinds[index % kinds.length];
  assert.ok(kind);
  return { sender: from.userId, ...kind };
}

for (const [who, isAllowed] of [
  ["somebody who may use it", true],
  ["a stranger", false],
] as const) {
  describe(`ten thousand to-device messages from ${who} to an agent`, () => {
    let world: FloodWorld;
    before(async () => {
      world = await FloodWorld.start({
        extraConfig: { access: { users: ["@alice:*", ...(isAllowed ? ["@m*:*"] : [])] } },
      });
    });
    after(() => world.stop());

    it("leave little behind, and keep nobody else waiting", async () => {
      const mallory = await world.flooder("mallory");
      const keys = JSON.parse(keysOnlyDevice(mallory.userId, mallory.deviceId)) as object;
      await mallory.request("POST", "/v3/keys/upload", keys);
      const agentKey = await world.identityKey(world.demo);
      const flood = new ToDeviceFlood(world, world.demo);
      await world.flood(
        `to-device messages from ${who}`,
        async () => {
          flood.send(Array.from({ length: COUNT }, (_, index) => junk(index, mallory, agentKey)));
          await world.ask(world.demo, 300_000);
          await flood.taken();
          return COUNT;
        },
        { pauseMs: 200, grownMiB: 150, lines: 500, waitMs: 15_000 },
      );
    });
  });
}
