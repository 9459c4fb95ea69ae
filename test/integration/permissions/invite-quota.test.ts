import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { InviteQuota } from "../../../src/permissions/invite-quota.ts";
import { forEachDatabase } from "../../support/databases.ts";

const GHOST = "@agent_llama:example.test";
const ALICE = "@alice:example.test";
const BOB = "@bob:example.test";
const REMOTE = "@rob:elsewhere.example";

forEachDatabase((_kind, open) => {
  /** The limits; a test may change them. */
  const quota = { user: 2 as number | undefined, server: 3 as number | undefined };
  const settings = () => ({ invitesPerDay: quota });
  let count = 0;
  const invite = (inviter: string) => ({ ghost: GHOST, eventId: `$invite${++count}`, inviter });

  describe("invites", () => {
    it("are accepted until a user, or a server's users together, have reached the daily limit", async () => {
      const database = await open();
      const invites = new InviteQuota(database, settings);
      assert.deepEqual(
        [await invites.take(invite(ALICE)), await invites.take(invite(ALICE)), await invites.take(invite(ALICE))],
        [true, true, false],
      );
      assert.deepEqual([await invites.take(invite(BOB)), await invites.take(invite(BOB))], [true, false]);
      assert.ok(await invites.take(invite(REMOTE)));
      await database.query("update accepted_invites set accepted_at = now() - interval '25 hours'");
      assert.ok(await invites.take(invite(ALICE)), "a day later");
      assert.equal(await invites.prune(1), 4);
    });

    it("count once, however often they are tried", async () => {
      const invites = new InviteQuota(await open(), settings);
      const first = invite(ALICE);
      for (let times = 0; times < 5; times++) assert.ok(await invites.take(first));
      assert.ok(await invites.take(invite(ALICE)));
      assert.ok(await invites.take(first), "one that was accepted stays so");
      assert.ok(!(await invites.take(invite(ALICE))));
    });

    it("have the same limit however many agents are invited at once", async () => {
      const invites = new InviteQuota(await open(), settings);
      const taken = await Promise.all(Array.from({ length: 20 }, () => invites.take(invite(ALICE))));
      assert.equal(taken.filter((isTaken) => isTaken).length, 2);
    });

    it("are not counted where there is no limit", async () => {
      const database = await open();
      const unlimited = () => ({ invitesPerDay: { user: undefined, server: undefined } });
      assert.ok(await new InviteQuota(database, unlimited).take(invite(ALICE)));
      assert.equal((await database.query("select from accepted_invites")).count, 0);
    });
  });
});
