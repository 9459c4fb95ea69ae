import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isReplay, noteHandled, pruneReplays } from "../../../src/ghost/replays.ts";
import type { RoomEvent } from "../../../src/homeserver/transaction.ts";
import { forEachDatabase } from "../../support/databases.ts";

const LLAMA = "@agent_llama:example.test";

/** A message of a session, identified by its index. */
function message(eventId: string, session: string, index: number): RoomEvent {
  const ciphertext = Buffer.from([3, 8, index, 0x12, 0]).toString("base64");
  return {
    event_id: eventId,
    room_id: "!room:example.test",
    sender: "@alice:example.test",
    type: "m.room.encrypted",
    content: { session_id: session, ciphertext },
    origin_server_ts: 1,
  };
}

forEachDatabase((_kind, open) => {
  describe("a message that was decrypted", () => {
    it("is recognised in another event for good, though its row goes when the session was used last long ago", async () => {
      const database = await open();
      for (let index = 0; index < 5; index++) {
        for (const session of ["old", "young"])
          await noteHandled(database, LLAMA, message(`$${session}${index}`, session, index));
      }
      await database.query("update message_indexes set seen_at = seen_at - interval '91 days'");
      await noteHandled(database, LLAMA, message("$young5", "young", 5));
      assert.equal(await pruneReplays(database, 90, undefined), 5);
      assert.equal((await database.query("select from message_indexes where session_id = 'old'")).count, 0);
      assert.equal((await database.query("select from message_indexes where session_id = 'young'")).count, 6);
      for (const session of ["old", "young"]) {
        for (let index = 0; index < 5; index++)
          assert.ok(await isReplay(database, LLAMA, message("$again", session, index)), `${session} ${index}`);
      }
      assert.ok(!(await isReplay(database, LLAMA, message("$young3", "young", 3))), "the very event is none");
      assert.ok(!(await isReplay(database, LLAMA, message("$next", "old", 5))), "later messages are not either");
      assert.ok(!(await isReplay(database, "@agent_max:example.test", message("$again", "old", 1))), "nor for others");
      // Closed once more, further on.
      await noteHandled(database, LLAMA, message("$next", "old", 5));
      await database.query("update message_indexes set seen_at = seen_at - interval '91 days'");
      await pruneReplays(database, 90, undefined);
      assert.ok(await isReplay(database, LLAMA, message("$again", "old", 5)));
      assert.ok(await isReplay(database, LLAMA, message("$again", "old", 0)));
    });

    it("is forgotten with its room key, where keys are forgotten", async () => {
      const database = await open();
      await noteHandled(database, LLAMA, message("$a", "old", 0));
      await database.query("update message_indexes set seen_at = seen_at - interval '1 year'");
      await pruneReplays(database, 90, 1_000);
      await database.query("update closed_sessions set closed_at = closed_at - interval '89 days'");
      assert.equal(await pruneReplays(database, 90, 1_000), 0);
      await database.query("update closed_sessions set closed_at = closed_at - interval '2 days'");
      assert.equal(await pruneReplays(database, 90, undefined), 0, "not where keys are kept");
      assert.equal(await pruneReplays(database, 90, 1_000), 1);
    });
  });
});
