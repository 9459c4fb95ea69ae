import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pauseAgent, resumeAgent } from "../../../src/agents/pauses.ts";
import type { Database } from "../../../src/database/database.ts";
import { acquireLease, type Lease } from "../../../src/leases/leases.ts";
import { History } from "../../../src/memory/history.ts";
import { TurnStore } from "../../../src/turns/turn-store.ts";
import type { Turn } from "../../../src/turns/turn.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { addProcess } from "../../support/lease.ts";
import { sealsOf } from "../../support/seals.ts";

const LLAMA = "@agent_llama:example.test";
const OTHER = "@agent_other:example.test";
const OFFICE = "local:office";

forEachDatabase((_kind, open) => {
  async function make() {
    const database = await open();
    const process = await addProcess(database);
    const leases = new Map<string, Lease>();
    for (const ghost of [LLAMA, OTHER]) leases.set(ghost, await acquireLease(database, ghost, process));
    const store = new TurnStore(database, sealsOf(database));
    const ask = async (eventId: string, ghost = LLAMA): Promise<Turn> => {
      const question = { eventId, author: "person", sender: "@a:b", speaker: "a", body: eventId, sentAt: 1 } as const;
      const turn = await database.transaction(async (tx) => {
        const roomId = `!${eventId}`;
        const position = await new History(database, sealsOf(database)).remember(tx, ghost, roomId, {
          ...question,
          encrypted: false,
        });
        const about = { ghost, roomId, eventId, asker: "@a:b", position, threadRoot: undefined };
        return store.enqueue(tx, { ...about, origin: eventId, hops: 0, encrypted: false });
      });
      assert.ok(turn);
      return turn;
    };
    const lease = (ghost = LLAMA): Lease => leases.get(ghost) ?? assert.fail();
    const due = async (): Promise<string[]> => (await store.queue.due(process)).turns.map(({ turn }) => turn.eventId);
    return { database, process, store, ask, due, lease };
  }

  const age = (database: Database, by: string): Promise<unknown> =>
    database.query(`update turns set created_at = created_at - interval '${by}'`);

  describe("the turns of a paused agent", () => {
    it("wait, and are found again when it goes on; those of others are taken", async () => {
      const { database, process, store, ask, due } = await make();
      await ask("$before");
      await ask("$others", OTHER);
      await pauseAgent(database, LLAMA, OFFICE);
      assert.deepEqual(await due(), ["$others"]);
      assert.equal((await store.queue.due(process)).isAll, true, "they are no reason to look again");
      assert.deepEqual(await store.queue.ghostsWithOpenTurns(process), [OTHER]);
      await resumeAgent(database, LLAMA, OFFICE);
      assert.deepEqual(await due(), ["$before", "$others"]);
      assert.deepEqual((await store.queue.ghostsWithOpenTurns(process)).sort(), [LLAMA, OTHER]);
    });

    it("do not begin, even where a process has not heard of the pause", async () => {
      const { database, store, ask, lease } = await make();
      const turn = await ask("$question");
      await pauseAgent(database, LLAMA, OFFICE);
      assert.equal(await store.start(lease(), turn), false);
      const { rows } = await database.query("select state, attempts from turns");
      assert.deepEqual(rows, [{ state: "queued", attempts: 0 }]);
      await resumeAgent(database, LLAMA, OFFICE);
      assert.equal(await store.start(lease(), turn), true);
    });

    it("end where they had begun, also after the process that answered was killed", async () => {
      const { database, store, ask, due, lease } = await make();
      const turn = await ask("$question");
      assert.equal(await store.start(lease(), turn), true);
      await pauseAgent(database, LLAMA, OFFICE);
      assert.deepEqual(await due(), ["$question"]);
      assert.equal(await store.start(lease(), turn), true);
    });

    it("do not count the pause as waiting: max_wait begins anew with its end", async () => {
      const { database, process, store, ask } = await make();
      await ask("$question");
      await pauseAgent(database, LLAMA, OFFICE);
      await age(database, "3 days");
      await resumeAgent(database, LLAMA, OFFICE);
      const [open] = (await store.queue.due(process)).turns;
      assert.ok(open?.state === "queued" && open.ageMs < 60_000, JSON.stringify(open));
      await database.query("update agent_pauses set resumed_at = now() - interval '1 hour'");
      const [later] = (await store.queue.due(process)).turns;
      assert.ok(later?.state === "queued" && later.ageMs > 3_500_000);
    });

    it("that wait for people whose time is over stay as they are", async () => {
      const { database, store, process, ask } = await make();
      await ask("$question");
      await database.query("update turns set state = 'waiting', waits_until = now() - interval '1 second'");
      await pauseAgent(database, LLAMA, OFFICE);
      assert.deepEqual((await store.queue.due(process)).turns, []);
      await resumeAgent(database, LLAMA, OFFICE);
      const [open] = (await store.queue.due(process)).turns;
      assert.ok(open?.state === "queued" && open.isLate);
    });
  });
});
