import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { venvPython } from "../../quickstart/venv.ts";
import { inCheckout, NIO_VENV } from "../support/paths.ts";
import { ToDeviceFlood, type ToDevice } from "./to-device-flood.ts";
import { FloodWorld, type Flooder } from "./world.ts";

const COUNT = 10_000;

/** Room keys, each of a session of its own, encrypted for an agent's device: what an honest client sends, but so many. */
async function roomKeys(world: FloodWorld, from: Flooder, count: number): Promise<ToDevice[]> {
  const child = spawn(venvPython(NIO_VENV), [inCheckout("test/support/room_keys.py")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit") as Promise<[number | null]>;
  child.stdin.end(
    JSON.stringify({
      url: world.deployment.synapse.url,
      userId: from.userId,
      deviceId: from.deviceId,
      accessToken: from.accessToken,
      encryptFor: world.demo,
      roomId: "!nowhere:example.test",
      count,
    }),
  );
  const [lines, [code]] = await Promise.all([text(child.stdout), exited]);
  assert.equal(code, 0);
  const contents = lines.trim().split("\n");
  return contents.map((content) => ({
    sender: from.userId,
    type: "m.room.encrypted",
    content: JSON.parse(content) as object,
  }));
}

for (const [who, access, kept] of [
  ["somebody who may use it", ["@alice:*", "@mallory:*"], 2_100],
  ["a stranger", ["@alice:*"], 20],
] as const) {
  describe(`ten thousand room keys from ${who} to an agent`, () => {
    let world: FloodWorld;
    before(async () => {
      world = await FloodWorld.start({ extraConfig: { access: { users: access } } });
    });
    after(() => world.stop());

    it("are stored up to a bound, and keep nobody else waiting", async () => {
      const mallory = await world.flooder("mallory");
      const keys = await roomKeys(world, mallory, COUNT);
      const flood = new ToDeviceFlood(world, world.demo);
      await world.flood(
        `room keys from ${who}`,
        async () => {
          flood.send(keys);
          await world.ask(world.demo, 300_000);
          await flood.taken();
          return COUNT;
        },
        { pauseMs: 200, grownMiB: 200, rows: { crypto_records: kept }, lines: 200, waitMs: 15_000 },
      );
    });
  });
}
