import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { GhostHandle } from "../../../src/ghost/ghost-handle.ts";
import { TrustNotices, type TrustNotice } from "../../../src/ghost/trust-notices.ts";
import { acquireLease } from "../../../src/leases/leases.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { addProcess } from "../../support/lease.ts";

const GHOST = "@agent_llama:example.test";
const ALICE = "@alice:example.test";

forEachDatabase((_kind, open) => {
  describe("a notice that a device is not trusted", () => {
    async function world() {
      const database = await open();
      const lease = await acquireLease(database, GHOST, await addProcess(database));
      const told: string[] = [];
      const ghost = {
        userId: GHOST,
        log: silentLogger(),
        sendToAll: (roomId: string, content: { body: string }) => {
          told.push(`${roomId} ${content.body}`);
          return Promise.resolve("$notice");
        },
      } as unknown as GhostHandle;
      const notices = new TrustNotices(database);
      const tell = (
        why: TrustNotice["why"],
        unlessTold: TrustNotice["unlessTold"] = [],
        roomId = "!a",
      ): Promise<void> =>
        notices.tell(ghost, lease, { roomId, userId: ALICE, why, content: { body: why }, unlessTold });
      return { told, notices, tell };
    }

    it("is sent once, and again when it was forgotten", async () => {
      const { told, notices, tell } = await world();
      for (let time = 0; time < 3; time++) await tell("identity_changed");
      assert.deepEqual(told, ["!a identity_changed"]);
      await notices.forget(ALICE);
      await tell("identity_changed");
      assert.equal(told.length, 2);
    });

    it("is not sent where another agent has said the same, in that room", async () => {
      const { told, notices, tell } = await world();
      await tell("silenced");
      await tell("verified_identity_changed", ["silenced"]);
      await tell("verified_identity_changed", ["silenced"], "!b");
      assert.deepEqual(told, ["!a silenced", "!b verified_identity_changed"]);
      await tell("silenced", ["verified_identity_changed"], "!b");
      assert.equal(told.length, 2);
      await notices.forget(ALICE);
      await tell("verified_identity_changed", ["silenced"]);
      assert.equal(told.at(-1), "!a verified_identity_changed");
    });
  });
});
