import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Consents } from "../../../src/privacy/consents.ts";
import { TurnStore } from "../../../src/turns/turn-store.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { sealsOf } from "../../support/seals.ts";

const [LLAMA, QWEN] = ["@agent_llama:example.test", "@agent_qwen:example.test"] as const;
const ROOM = "!room:example.test";
const ALICE = "@alice:example.test";

forEachDatabase((_kind, open) => {
  describe("the questions that waited for consent when a decision came", () => {
    it("are the same for every agent, though one of them was decided on meanwhile", async () => {
      const database = await open();
      const turns = new TurnStore(database, sealsOf(database));
      const consents = new Consents(database);
      for (const [index, ghost] of [LLAMA, QWEN].entries()) {
        const { rows } = await database.query<{ position: number }>(
          `insert into messages (ghost, room_id, event_id, sender, speaker, author, body, sent_at)
           values ($1, $2, $3, $4, 'Alice', 'person', '', 1) returning position`,
          [ghost, ROOM, `$question${index}`, ALICE],
        );
        await database.query(
          `insert into turns (ghost, room_id, event_id, asker, position, origin, hops, round, kind, state, failure,
             consent_target, finished_at)
           values ($1, $2, $3, $4, $5, $3, 0, 0, 'answer', 'failed', 'needs_consent', 'cloud', now() - interval '1 minute')`,
          [ghost, ROOM, `$question${index}`, ALICE, rows[0]?.position],
        );
      }
      await database.query(
        `insert into events (event_id, room_id, type, sender, is_state, sent_at)
         values ('$bare', $1, 'm.room.message', $2, false, 1)`,
        [ROOM, ALICE],
      );
      assert.deepEqual(await turns.consent.waitedForConsent(ROOM, "$bare"), [LLAMA, QWEN]);
      await database.transaction(async (tx) => {
        await consents.decide(
          tx,
          { roomId: ROOM, ghost: LLAMA, target: "cloud" },
          { granted: false, encrypted: false },
          ALICE,
        );
        await turns.consent.consented(tx, { ghost: LLAMA, roomId: ROOM, target: "cloud" }, "declined");
      });
      assert.deepEqual(await turns.consent.waitedForConsent(ROOM, "$bare"), [LLAMA, QWEN]);
      // The next pass finds the other one alone.
      await database.query(
        `insert into events (event_id, room_id, type, sender, is_state, sent_at)
         values ('$later', $1, 'm.room.message', $2, false, 1)`,
        [ROOM, ALICE],
      );
      assert.deepEqual(await turns.consent.waitedForConsent(ROOM, "$later"), [QWEN]);
    });
  });
});
