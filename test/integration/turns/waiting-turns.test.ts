import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Database } from "../../../src/database/database.ts";
import { Outbox } from "../../../src/ghost/outbox.ts";
import { acquireLease, StaleLease, type Lease } from "../../../src/leases/leases.ts";
import { History } from "../../../src/memory/history.ts";
import type { CallStep, ProposedCall, TurnStep, WaitingCall } from "../../../src/turns/turn-step.ts";
import { TurnStore } from "../../../src/turns/turn-store.ts";
import type { StepRecords } from "../../../src/turns/step-loop.ts";
import type { Turn } from "../../../src/turns/turn.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { addProcess } from "../../support/lease.ts";
import { sealsOf } from "../../support/seals.ts";

const GHOST = "@agent_llama:example.test";
const ROOM = "!room:example.test";
const ASKED = { deciders: "asker", canGrant: true } as const;
const MODEL: TurnStep = { number: 1, askedOf: "model", state: "called", answer: { text: "" } };
const HOUR = 3_600_000;

function proposed(number: number): CallStep {
  const tool = { server: "files", name: "write", definition: "h" };
  const call: ProposedCall = {
    id: `c${number}`,
    name: "files__write",
    arguments: { secret: "Canaries" },
    tool,
    mayRepeat: false,
  };
  return { number, askedOf: "tool", state: "proposed", call };
}

/** A ghost whose turns call tools that people have to agree to, by hand. */
class World {
  readonly database: Database;
  readonly store: TurnStore;
  readonly process: number;
  readonly lease: Lease;
  #count = 0;

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

  /** A running turn. */
  async begin(threadRoot?: string): Promise<Turn> {
    const eventId = `$question${++this.#count}`;
    await this.database.transaction(async (tx) => {
      const asked = { eventId, author: "person", sender: "@ann:a.b", speaker: "ann", body: "?" } as const;
      const history = new History(this.database, sealsOf(this.database));
      const position = await history.remember(tx, GHOST, ROOM, { ...asked, sentAt: 1, encrypted: false });
      const turn = { ghost: GHOST, roomId: ROOM, eventId, asker: "@ann:a.b", position, threadRoot };
      await this.store.enqueue(tx, { ...turn, origin: eventId, hops: 0, encrypted: false });
    });
    const open = (await this.due()).find(({ turn }) => turn.eventId === eventId);
    assert.ok(open);
    assert.ok(await this.store.start(this.lease, open.turn));
    return open.turn;
  }

  records(turn: Turn, waitsForMs = HOUR): StepRecords {
    return this.store.steps.recordsOf(this.lease, turn, waitsForMs);
  }

  /** A turn that waits for people about so many calls. */
  async waiting(calls = 1, { waitsForMs = HOUR, threadRoot }: { waitsForMs?: number; threadRoot?: string } = {}) {
    const turn = await this.begin(threadRoot);
    const records = this.records(turn, waitsForMs);
    const stored = await records.called(
      MODEL,
      Array.from({ length: calls }, (_, at) => proposed(at + 2)),
    );
    for (const step of stored) await this.ask(turn, step, waitsForMs);
    await this.store.waiting.wait(this.lease, turn);
    return { turn, codes: stored.map(({ code = "" }) => code) };
  }

  async ask(turn: Turn, step: CallStep, waitsForMs = HOUR): Promise<void> {
    const waiting: WaitingCall = { ...step, state: "waiting", call: { ...step.call, asked: ASKED } };
    const records = this.records(turn, waitsForMs);
    const content = JSON.stringify({ body: "?" });
    const event = { txnId: `question ${step.code ?? ""}`, roomId: ROOM, eventType: "m.room.message", content };
    await new Outbox(this.database, sealsOf(this.database)).store(this.lease, event, records.asking(waiting));
    await records.asked({ eventId: `$asked${step.code ?? ""}`, mark: undefined });
  }

  async due() {
    return (await this.store.queue.due(this.process)).turns;
  }

  async decide(code: string, decision: "approved" | "declined" = "approved"): Promise<boolean> {
    const [question] = await this.store.waiting.in(GHOST, ROOM, code);
    if (question === undefined) return false;
    return this.database.transaction((tx) => this.store.waiting.decide(tx, question, decision, "@ann:a.b"));
  }

  async state({ id }: Turn): Promise<string | undefined> {
    const { rows } = await this.database.query<{ state: string }>("select state from turns where id = $1", [id]);
    return rows[0]?.state;
  }
}

forEachDatabase((_kind, open) => {
  describe("a turn whose calls wait for people", () => {
    it("is only a row: it is not taken, holds up no other one, and is found by its codes", async () => {
      const world = await World.create(await open());
      const { turn, codes } = await world.waiting(2);
      assert.equal(await world.state(turn), "waiting");
      assert.deepEqual(await world.due(), []);
      assert.deepEqual(await world.store.queue.ghostsWithOpenTurns(world.process), []);
      const next = await world.begin();
      assert.equal(await world.state(next), "running");
      assert.deepEqual(
        (await world.store.waiting.in(GHOST, ROOM)).map(({ code, turn: { id } }) => [code, id]),
        codes.map((code) => [code, turn.id]),
      );
      const [found, ...others] = await world.store.waiting.in(GHOST, ROOM, codes[1]);
      assert.deepEqual([found?.step.number, found?.step.call.asked, others], [3, ASKED, []]);
      assert.deepEqual(await world.store.waiting.in(GHOST, "!other:a.b", codes[0]), []);
      assert.deepEqual(await world.store.waiting.in("@agent_qwen:a.b", ROOM, codes[0]), []);
      const { nextInMs = 0 } = await world.store.queue.due(world.process);
      assert.ok(nextInMs > HOUR - 60_000 && nextInMs <= HOUR);
    });

    it("is counted for the metrics as long as it waits", async () => {
      const world = await World.create(await open());
      const { codes } = await world.waiting();
      assert.deepEqual(await world.store.openByState(), { queued: 0, running: 0, waiting: 1, sending: 0 });
      assert.ok(await world.decide(codes[0] ?? ""));
      assert.deepEqual(await world.store.openByState(), { queued: 1, running: 0, waiting: 0, sending: 0 });
    });

    it("goes on when all of its calls are decided, without counting an attempt", async () => {
      const world = await World.create(await open());
      const { turn, codes } = await world.waiting(2);
      assert.equal(await world.decide(codes[0] ?? "", "declined"), true);
      assert.deepEqual([await world.state(turn), await world.due()], ["waiting", []]);
      assert.equal(await world.decide(codes[1] ?? ""), true);
      const [due, ...others] = await world.due();
      assert.ok(due?.state === "queued" && others.length === 0);
      assert.deepEqual([due.attempts, due.hasBegun, due.isLate], [0, true, false]);
      assert.deepEqual(
        (await world.store.steps.of(turn)).map((step) => [step.state, "decidedBy" in step && step.decidedBy]),
        [
          ["called", false],
          ["declined", "@ann:a.b"],
          ["approved", "@ann:a.b"],
        ],
      );
    });

    it("takes one word about each call", async () => {
      const world = await World.create(await open());
      const { codes } = await world.waiting(2);
      const [question] = await world.store.waiting.in(GHOST, ROOM, codes[0]);
      assert.ok(question);
      const decide = (decision: "approved" | "declined") =>
        world.database.transaction((tx) => world.store.waiting.decide(tx, question, decision, "@ann:a.b"));
      assert.deepEqual([await decide("declined"), await decide("approved")], [true, false]);
      assert.deepEqual(await world.store.waiting.in(GHOST, ROOM, codes[0]), []);
    });

    it("is taken when its time is over, and then no word counts", async () => {
      const world = await World.create(await open());
      const { turn, codes } = await world.waiting(1, { waitsForMs: 0 });
      const [due] = await world.due();
      assert.ok(due?.state === "queued" && due.turn.id === turn.id && due.isLate);
      assert.equal(await world.decide(codes[0] ?? ""), false);
      assert.deepEqual(await world.store.queue.ghostsWithOpenTurns(world.process), [GHOST]);
      assert.ok(await world.store.start(world.lease, turn));
      assert.equal(await world.decide(codes[0] ?? ""), false);
    });

    it("is queued at once where all was decided before it began to wait", async () => {
      const world = await World.create(await open());
      const turn = await world.begin();
      const [step] = await world.records(turn).called(MODEL, [proposed(2)]);
      assert.ok(step);
      await world.ask(turn, step);
      assert.equal(await world.decide(step.code ?? ""), true);
      assert.equal(await world.state(turn), "running");
      await world.store.waiting.wait(world.lease, turn);
      assert.equal(await world.state(turn), "queued");
    });

    it("does not begin to wait after it was stopped, or under another's lease", async () => {
      const world = await World.create(await open());
      const turn = await world.begin();
      const [step] = await world.records(turn).called(MODEL, [proposed(2)]);
      assert.ok(step);
      await world.ask(turn, step);
      const stale = { ...world.lease, epoch: world.lease.epoch - 1 };
      await assert.rejects(world.store.waiting.wait(stale, turn), StaleLease);
      const { running } = await world.store.stop(world.database, { ghost: GHOST, roomId: ROOM });
      assert.deepEqual(running, [turn.id]);
      await world.store.waiting.wait(world.lease, turn);
      assert.equal(await world.state(turn), "queued");
    });

    it("is ended by stopping it, with its questions, which nobody can answer then", async () => {
      const world = await World.create(await open());
      const { turn, codes } = await world.waiting(2);
      await world.decide(codes[0] ?? "");
      const stopped = await world.store.stop(world.database, { ghost: GHOST, roomId: ROOM, eventId: turn.eventId });
      assert.deepEqual(
        [stopped.running, stopped.cancelled, stopped.waiting.flatMap(({ codes: left }) => left)],
        [[], 1, [codes[1]]],
      );
      assert.deepEqual([await world.state(turn), await world.decide(codes[1] ?? "")], ["cancelled", false]);
      assert.deepEqual((await world.database.query("select from turn_steps")).rows, []);
    });

    it("counts the waiting calls of its conversation alone", async () => {
      const world = await World.create(await open());
      await world.waiting(2);
      await world.waiting(1, { threadRoot: "$thread" });
      const here = await world.begin();
      assert.equal(await world.records(here).waitingHere(), 2);
      const there = await world.begin("$thread");
      assert.equal(await world.records(there).waitingHere(), 1);
    });

    it("names each question by a code that no other call has, sealed beside it", async () => {
      const world = await World.create(await open());
      const { turn, codes } = await world.waiting(3);
      assert.equal(new Set(codes).size, 3);
      const [step] = await world.store.steps.of(turn);
      assert.ok(step);
      const { rows } = await world.database.query<{ call: string }>("select call from turn_steps where call <> ''");
      assert.ok(rows.length === 3 && rows.every(({ call }) => !call.includes("Canaries")));
      // A code that exists is not taken: the write fails, and is repeated with others.
      await assert.rejects(
        world.database.query("update turn_steps set code = $1 where code = $2", [codes[0], codes[1]]),
        /unique|duplicate/,
      );
    });

    it("asks about a call whose end is not known under another code, without the former word", async () => {
      const world = await World.create(await open());
      const { turn, codes } = await world.waiting(1);
      await world.decide(codes[0] ?? "");
      await world.store.start(world.lease, turn);
      const [, approved] = await world.store.steps.of(turn);
      assert.ok(approved?.state === "approved");
      const records = world.records(turn);
      await records.begun(approved);
      const [, running] = await world.store.steps.of(turn);
      assert.ok(running?.state === "running" && running.decidedBy === "@ann:a.b");
      const again = await records.lost(running);
      assert.ok(again.code !== undefined && again.code !== codes[0]);
      const [, stored] = await world.store.steps.of(turn);
      assert.deepEqual(stored, again);
      assert.deepEqual([again.state, again.decidedBy, again.call.isLost], ["proposed", undefined, true]);
    });

    it("knows its questions as its own events", async () => {
      const world = await World.create(await open());
      const { turn, codes } = await world.waiting(1);
      const about = await world.store.about(GHOST, ROOM, `$asked${codes[0] ?? ""}`);
      assert.deepEqual([about?.turn.id, about?.isOpen], [turn.id, true]);
      assert.equal(await world.store.openOf(GHOST, ROOM, undefined), 1);
      assert.equal(await world.store.open({ ghost: GHOST, roomId: ROOM }), 0);
    });
  });
});
