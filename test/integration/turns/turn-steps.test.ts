import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Database } from "../../../src/database/database.ts";
import { acquireLease, StaleLease, type Lease } from "../../../src/leases/leases.ts";
import { History } from "../../../src/memory/history.ts";
import type { Turn, TurnReply } from "../../../src/turns/turn.ts";
import { MOST_CALL_FILES, type CallFile } from "../../../src/turns/call-file.ts";
import { FIRST_STEP, lastEnd } from "../../../src/turns/turn-step.ts";
import { TurnStore } from "../../../src/turns/turn-store.ts";
import { audited } from "../../support/audit.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { addProcess } from "../../support/lease.ts";
import { sealsOf } from "../../support/seals.ts";

const GHOST = "@agent_llama:example.test";
const ROOM = "!room:example.test";
const SAID = "Canaries are small.";
const REPLY: TurnReply = { outcome: "answered", messages: [{ content: { body: SAID }, remembered: SAID }] };
const END = lastEnd([FIRST_STEP], REPLY);

/** A question whose turn is taken through its steps by hand. */
class World {
  readonly database: Database;
  readonly store: TurnStore;
  readonly process: number;
  readonly lease: Lease;

  private constructor(database: Database, process: number, lease: Lease) {
    this.database = database;
    this.store = new TurnStore(database, sealsOf(database));
    this.process = process;
    this.lease = lease;
  }

  static async create(database: Database): Promise<World> {
    const process = await addProcess(database);
    return new World(database, process, await acquireLease(database, GHOST, process));
  }

  async ask(eventId: string): Promise<Turn> {
    await this.database.transaction(async (tx) => {
      const asked = { eventId, author: "person", sender: "@ann:a.b", speaker: "ann", body: "?" } as const;
      const history = new History(this.database, sealsOf(this.database));
      const position = await history.remember(tx, GHOST, ROOM, { ...asked, sentAt: 1, encrypted: false });
      const turn = { ghost: GHOST, roomId: ROOM, eventId, asker: "@ann:a.b", position, threadRoot: undefined };
      await this.store.enqueue(tx, { ...turn, origin: eventId, hops: 0, encrypted: false });
    });
    const [open] = (await this.store.queue.due(this.process)).turns;
    assert.ok(open);
    return open.turn;
  }

  async stored(): Promise<unknown[]> {
    const { rows } = await this.database.query("select number, asked_of, state from turn_steps order by turn, number");
    return rows;
  }
}

const ASKED = { number: 1, asked_of: "model", state: "asked" };

forEachDatabase((_kind, open) => {
  describe("the steps of a turn", () => {
    it("are written when it begins, once, and are asked again after a crash", async () => {
      const world = await World.create(await open());
      const turn = await world.ask("$question");
      assert.deepEqual(await world.stored(), []);
      assert.ok(await world.store.start(world.lease, turn));
      assert.deepEqual(await world.stored(), [ASKED]);
      // The process has ended; the next one resumes the turn.
      const [again] = (await world.store.queue.due(world.process)).turns;
      assert.ok(again?.state === "queued");
      assert.equal(again.attempts, 1);
      assert.ok(await world.store.start(world.lease, again.turn));
      assert.deepEqual(await world.stored(), [ASKED]);
      assert.deepEqual(await world.store.steps.of(turn), [FIRST_STEP]);
      await world.store.putBack(world.lease, turn);
      assert.deepEqual(await world.store.steps.of(turn), [FIRST_STEP]);
    });

    it("end together with the reply, or not at all", async () => {
      const world = await World.create(await open());
      const turn = await world.ask("$question");
      await world.store.start(world.lease, turn);
      const stale = { ...world.lease, epoch: world.lease.epoch - 1 };
      await assert.rejects(world.store.prepare(stale, turn, REPLY, END), StaleLease);
      assert.deepEqual(await world.stored(), [ASKED]);
      await world.store.prepare(world.lease, turn, REPLY, END);
      assert.deepEqual(await world.store.steps.of(turn), [END]);
      // The answered step is not asked again: only the sending is left.
      const [due] = (await world.store.queue.due(world.process)).turns;
      assert.deepEqual([due?.state, due?.state === "sending" && due.reply], ["sending", REPLY]);
    });

    it("hold no unsealed words, and are destroyed with the key that seals them", async () => {
      const world = await World.create(await open());
      const turn = await world.ask("$question");
      await world.store.start(world.lease, turn);
      await world.store.prepare(world.lease, turn, REPLY, END);
      const { rows } = await world.database.query<{ answer: string }>("select answer from turn_steps");
      assert.ok(rows[0] && !rows[0].answer.includes("Canaries"));
      await assert.rejects(world.database.query(`update turn_steps set sealed_by = null`));
      await sealsOf(world.database).destroy(world.database, { ghost: GHOST, roomId: ROOM });
      assert.deepEqual(await world.stored(), []);
    });

    it("keep the files of results, sealed, as long as themselves", async () => {
      const world = await World.create(await open());
      const { database, store, lease } = world;
      const turn = await world.ask("$question");
      await store.start(lease, turn);
      const records = store.steps.recordsOf(lease, turn, 1_000);
      const call = { id: "1", name: "t", arguments: {}, mayRepeat: false };
      const tool = { server: "files", name: "draw", definition: "hash" };
      const model = { number: 1, askedOf: "model", state: "called", answer: { text: "" } } as const;
      await records.called(model, [{ number: 2, askedOf: "tool", state: "proposed", call: { ...call, tool } }]);
      const contents = [Buffer.from("Canaries are small."), Buffer.alloc(MOST_CALL_FILES.bytes - 19, 7)];
      const files = contents.map(({ length: size }, nth): CallFile => {
        return { kind: "file", type: "text/plain", name: `file-${nth}`, size };
      });
      const answer = { text: "Drawn.", isError: false, files };
      await records.ended({ number: 2, askedOf: "tool", state: "done", call: { ...call, tool }, answer }, contents);
      const [, done] = await store.steps.of(turn);
      assert.deepEqual(done?.askedOf === "tool" && "answer" in done && done.answer, answer);
      for (const [number, bytes] of contents.entries())
        assert.ok(Buffer.from((await store.files.content(turn, { step: 2, number })) ?? []).equals(bytes));
      assert.equal(await store.files.content(turn, { step: 2, number: 2 }), undefined);
      const { rows } = await database.query<{ content: string }>("select content from call_files order by number");
      assert.ok(!Buffer.from(rows[0]?.content ?? "", "base64").includes("Canaries"));
      const entry = (await audited(database)).find(({ kind }) => kind === "tool.files");
      assert.deepEqual([entry?.["server"], entry?.["files"], entry?.["bytes"]], ["files", 2, MOST_CALL_FILES.bytes]);
      // A file of another place is none of this one.
      await database.query("update call_files set content = (select content from call_files where number = 0)");
      assert.equal(await store.files.content(turn, { step: 2, number: 1 }), undefined);
      await store.finish(database, turn, REPLY);
      assert.deepEqual((await database.query("select from call_files")).rows, []);
    });

    it("are deleted at the turn's end, whatever it is", async () => {
      const world = await World.create(await open());
      const { database, store, lease } = world;
      const ends: Readonly<Record<string, (turn: Turn) => Promise<unknown>>> = {
        answered: (turn) => store.finish(database, turn, REPLY),
        stopped: async (turn) => {
          await store.putBack(lease, turn);
          const which = { ghost: GHOST, roomId: ROOM, eventId: turn.eventId };
          assert.deepEqual(await store.stop(database, which), { running: [], cancelled: 1, waiting: [] });
        },
        deleted: (turn) => database.query("delete from turns where id = $1", [turn.id]),
        "by a version that knows no steps": async (turn) => {
          await database.query("update turns set state = 'failed' where id = $1", [turn.id]);
          assert.equal(await store.prune(90), 1);
        },
      };
      for (const [name, end] of Object.entries(ends)) {
        const turn = await world.ask(`$${name}`);
        await store.start(lease, turn);
        assert.deepEqual(await world.stored(), [ASKED], name);
        await end(turn);
        assert.deepEqual(await world.stored(), [], name);
        assert.deepEqual((await store.queue.due(world.process)).turns, [], name);
      }
    });

    it("count only as far as they follow one another and can be opened", async () => {
      const world = await World.create(await open());
      const turn = await world.ask("$question");
      await world.store.start(world.lease, turn);
      await world.store.prepare(world.lease, turn, REPLY, END);
      const copy = (number: number): Promise<unknown> =>
        world.database.query(
          `insert into turn_steps (ghost, turn, number, asked_of, state, answer, sealed_by)
           select ghost, turn, $1, asked_of, state, answer, sealed_by from turn_steps where number = 1`,
          [number],
        );
      // The answer of another step does not open as this one's.
      await copy(2);
      await copy(4);
      assert.deepEqual(await world.store.steps.of(turn), [END, { number: 2, askedOf: "model", state: "asked" }]);
      await world.database.query("delete from turn_steps where number = 1");
      assert.deepEqual(await world.store.steps.of(turn), []);
    });
  });
});
