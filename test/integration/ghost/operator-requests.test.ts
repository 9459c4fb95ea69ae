import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { awaitNewDevice } from "../../../src/ghost/new-device.ts";
import { requestNewDevice, requestNewIdentity } from "../../../src/ghost/operator-requests.ts";
import { decideVerification } from "../../../src/ghost/device/operator-verifications.ts";
import { Processes, type Notification } from "../../../src/leases/processes.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import type { Database } from "../../../src/database/database.ts";
import { audited } from "../../support/audit.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { eventually } from "../../support/eventually.ts";

const LLAMA = "@agent_llama:example.test";
const ALICE = "@alice:example.test";
const OFFICE = "local:office";

forEachDatabase((_kind, open) => {
  async function withGhost(): Promise<Database> {
    const database = await open();
    await database.query(
      `insert into ghosts (user_id, device_id, device_made, cross_signed, fingerprint) values ($1, 'OLD', true, true, 'ab')`,
      [LLAMA],
    );
    return database;
  }

  describe("a new device that somebody asks for", () => {
    it("is noted with who asked, and comes at the next start where no bridge runs", async () => {
      const database = await withGhost();
      await requestNewDevice(database, LLAMA, OFFICE);
      assert.deepEqual(await audited(database), [
        { kind: "admin.command", by: OFFICE, command: "keys new-device", subject: LLAMA },
      ]);
      assert.deepEqual(await awaitNewDevice(database, LLAMA), { kind: "at the next start" });
    });

    it("is waited for until a running bridge has made it, or until the one who waits goes away", async (test) => {
      const database = await withGhost();
      const bridge = await Processes.join(database, { expireAfterMs: 60_000, log: silentLogger() });
      test.after(() => bridge.leave());
      await requestNewIdentity(database, LLAMA, ALICE);
      assert.deepEqual(await audited(database), [
        { kind: "admin.command", by: ALICE, command: "keys reset-identity", subject: LLAMA },
      ]);
      const gone = AbortSignal.abort();
      assert.deepEqual(await awaitNewDevice(database, LLAMA, gone), { kind: "late" });
      const waiting = awaitNewDevice(database, LLAMA);
      const { rows } = await database.query("select renew, reset_identity from ghosts");
      assert.deepEqual(rows, [{ renew: true, reset_identity: true }]);
      await database.query("update ghosts set renew = false, device_id = 'NEW', fingerprint = 'cd'");
      assert.deepEqual(await waiting, { kind: "made", deviceId: "NEW", fingerprint: "cd" });
    });
  });

  describe("a verification that an operator decides", () => {
    it("is decided once; its process is told, and it is noted who did it", async (test) => {
      const database = await withGhost();
      const bridge = await Processes.join(database, { expireAfterMs: 60_000, log: silentLogger() });
      test.after(() => bridge.leave());
      const heard: Notification[] = [];
      bridge.listen({ notified: (notification) => heard.push(notification), beat: () => undefined });
      const { rows } = await database.query<{ id: number }>(
        `insert into verifications (ghost, user_id, flow_id, state, emoji) values ($1, $2, 'flow', 'comparing', '[]') returning id`,
        [LLAMA, ALICE],
      );
      const id = rows[0]?.id ?? 0;
      assert.deepEqual(await decideVerification(database, id, "match", OFFICE), { ghost: LLAMA, userId: ALICE });
      await eventually("the bridge to be told", () => heard.some(({ wakeUps }) => wakeUps.includes(LLAMA)));
      assert.equal(await decideVerification(database, id, "mismatch", OFFICE), undefined);
      assert.equal(await decideVerification(database, 4_711, "match", OFFICE), undefined);
      assert.deepEqual(await audited(database), [
        { kind: "admin.command", by: OFFICE, command: "verify confirm", subject: `${LLAMA} ${ALICE}` },
      ]);
    });
  });
});
