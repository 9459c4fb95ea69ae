import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DeviceStore } from "../../../src/ghost/device/device-store.ts";
import { GhostVerifications } from "../../../src/ghost/device/ghost-verifications.ts";
import { audited } from "../../support/audit.ts";
import { AGENT, ALICE, BOT, LLAMA, MODERATOR, ROOM, World } from "../../support/conversation-world.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { takeLease } from "../../support/lease.ts";

const group = { direct: false, also: { "m.mentions": { user_ids: [LLAMA] } }, sender: MODERATOR };

forEachDatabase((_kind, open) => {
  describe("the audit log", () => {
    it("has the person who changed a setting of a room, and the setting, but never its value", async () => {
      const world = new World(await open());
      await world.say("!system Keep the secret", group);
      await world.say("!system", group);
      await world.say("!system Keep the secret", { ...group, sender: ALICE });
      await world.say("!remember the secret", group);
      await world.say("!reset", group);
      await world.say("!reset", group);
      const change = { kind: "setting.changed", ghost: LLAMA, room: ROOM, by: MODERATOR };
      const entries = await audited(world.database);
      assert.doesNotMatch(JSON.stringify(entries), /secret/);
      assert.deepEqual(
        entries.filter(({ setting }) => setting !== undefined),
        [
          { ...change, setting: "system" },
          { ...change, setting: "remember" },
          { ...change, setting: "all", reset: true },
        ],
      );
    });

    it("has a room's decisions about the cloud, and everything that was sent there", async () => {
      const world = new World(await open());
      Object.assign(world.provider, { host: "api.cloud.example", locality: "cloud" });
      world.agent = { ...AGENT, locality: "cloud" };
      for (const command of ["deny", "allow", "default", "default"]) await world.say(`!privacy ${command}`, group);
      const request = { ghost: LLAMA, roomId: ROOM, provider: "local", host: "h", model: "m", kind: "chat", bytes: 7 };
      await world.requests.note({ ...request, kind: "chat", locality: "local" });
      await world.requests.note({ ...request, kind: "chat", locality: "cloud" });
      const where = { ghost: LLAMA, room: ROOM };
      const decision = { ...where, by: MODERATOR, target: "local api.cloud.example" };
      assert.deepEqual(await audited(world.database), [
        { kind: "consent.declined", ...decision },
        { kind: "consent.given", ...decision },
        { kind: "consent.withdrawn", ...where, by: MODERATOR },
        { kind: "cloud.sent", ...where, provider: "local", host: "h", model: "m", what: "chat", bytes: 7 },
      ]);
    });

    it("has the people for whom the bot installed a model, and those whom it refused", async () => {
      const world = new World(await open());
      Object.assign(world.provider, {
        async *pull() {
          yield await Promise.resolve({ status: "success" });
        },
      });
      await world.say("pull gemma3", { to: BOT, sender: ALICE });
      await world.say("pull gemma3", { to: BOT, sender: MODERATOR });
      assert.deepEqual(await audited(world.database), [
        { kind: "refused", what: "pull", by: ALICE, room: ROOM, reason: "not_admin" },
        { kind: "admin.command", by: MODERATOR, command: "pull", subject: "local gemma3" },
      ]);
    });

    it("has new devices, and new identities", async () => {
      const database = await open();
      const devices = new DeviceStore(database);
      const { deviceId: first } = await devices.ensure(LLAMA);
      const lease = await takeLease(database, LLAMA);
      await devices.setDeviceMade(lease, undefined);
      await devices.setCrossSigned(lease, { restore: false });
      await devices.replaceDevice(lease);
      const { deviceId: second } = await devices.ensure(LLAMA);
      await database.query("update ghosts set reset_identity = true");
      await devices.setDeviceMade(lease, undefined);
      await devices.setCrossSigned(lease, { restore: false });
      assert.deepEqual(await audited(database), [
        { kind: "device.new", ghost: LLAMA, device: first },
        { kind: "device.new", ghost: LLAMA, device: second, replaces: first },
        { kind: "identity.reset", ghost: LLAMA },
      ]);
    });

    it("has verifications and their results", async () => {
      const database = await open();
      const lease = await takeLease(database, LLAMA);
      const ledger = new GhostVerifications(database, lease, () => Promise.resolve());
      const flow = (flowId: string) => ({ flowId, userId: ALICE, roomId: undefined });
      for (const id of ["$1", "$2", "$3", "$4", "$4"]) await ledger.begin(flow(id), undefined);
      await ledger.ended(flow("$1"), undefined, false);
      await ledger.ended(flow("$2"), "changed my mind", false);
      await ledger.ended(flow("$3"), "they differ", true);
      for (const lost of await ledger.open()) await ledger.lost(lost);
      await ledger.lost(flow("$1"));
      const kinds = ["requested", "requested", "requested", "requested", "done", "cancelled", "mismatch", "cancelled"];
      assert.deepEqual(
        await audited(database),
        kinds.map((how) => ({ kind: `verification.${how}`, ghost: LLAMA, by: ALICE })),
      );
    });

    it("has only so many verifications of one user in an hour, and further ones are not begun", async () => {
      const database = await open();
      const lease = await takeLease(database, LLAMA);
      const ledger = new GhostVerifications(database, lease, () => Promise.resolve());
      const begun = [];
      for (let n = 0; n < 25; n++)
        begun.push(await ledger.begin({ flowId: `$${n}`, userId: ALICE, roomId: undefined }, undefined));
      assert.equal(begun.filter(Boolean).length, 20);
      assert.equal((await audited(database)).length, 20);
      assert.ok(await ledger.begin({ flowId: "$bob", userId: "@bob:example.test", roomId: undefined }, undefined));
      await database.query("update verifications set created_at = created_at - interval '1 hour'");
      assert.ok(await ledger.begin({ flowId: "$later", userId: ALICE, roomId: undefined }, undefined));
    });
  });
});
