import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Memberships } from "../../../../src/mailbox/memberships.ts";
import { ToDeviceGate } from "../../../../src/ghost/device/to-device-gate.ts";
import { silentLogger } from "../../../../src/observability/log.ts";
import { createMetrics } from "../../../../src/observability/metrics.ts";
import type { Permissions } from "../../../../src/permissions/permissions.ts";
import { MOST_AN_HOUR } from "../../../../src/ghost/device/to-device-quota.ts";
import { forEachDatabase } from "../../../support/databases.ts";

const AGENT = "@agent_llama:example.test";
const ALICE = "@alice:example.test";
const NEIGHBOUR = "@neighbour:example.test";
const STRANGER = "@stranger:example.test";
const LEFT = "@left:example.test";

forEachDatabase((_kind, open) => {
  describe("the gate before an agent's device", () => {
    it("lets in messages of people who may use it, some of people in its rooms, and of others only verifications", async () => {
      const database = await open();
      await database.query("insert into memberships (ghost, room_id, membership) values ($1, '!r:x', 'join')", [AGENT]);
      await database.query("insert into rooms (room_id) values ('!r:x'), ('!other:x')");
      await database.query(
        `insert into room_members (room_id, user_id, membership)
         values ('!r:x', $1, 'join'), ('!r:x', $2, 'leave'), ('!other:x', $3, 'join')`,
        [NEIGHBOUR, LEFT, STRANGER],
      );
      const permissions = { allowsSomewhere: ({ userId }: { userId: string }) => userId === ALICE };
      const metrics = createMetrics(() => undefined);
      const services = {
        permissions: permissions as unknown as Permissions,
        memberships: new Memberships(database),
        metrics,
      };
      const gate = new ToDeviceGate(AGENT, services, silentLogger());

      const key = (sender: unknown): Record<string, unknown> => ({ sender, type: "m.room.encrypted", content: {} });
      const verification = { sender: STRANGER, type: "m.key.verification.request", content: {} };
      const sent = [ALICE, NEIGHBOUR, LEFT, STRANGER, 3, "a\0b"].map(key);
      const admitted = await gate.admit([...sent, verification]);
      assert.deepEqual(
        admitted.map(({ sender, type }) => [sender, type]),
        [
          [ALICE, "m.room.encrypted"],
          [NEIGHBOUR, "m.room.encrypted"],
          [STRANGER, verification.type],
        ],
      );
      const flood = Array.from({ length: 5_000 }, () => key(NEIGHBOUR));
      assert.equal((await gate.admit(flood)).length, MOST_AN_HOUR.neighbour - 1);
      assert.equal((await gate.admit([key(ALICE)])).length, 1);
      const { values } = await metrics.toDeviceRefused.get();
      assert.deepEqual(
        values.map(({ labels, value }) => [labels.why, value]),
        [
          ["stranger", 3],
          ["quota", 5_000 - MOST_AN_HOUR.neighbour + 1],
        ],
      );
    });
  });
});
