import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Database } from "../../../src/database/database.ts";
import { History } from "../../../src/memory/history.ts";
import { acquireLease, StaleLease, type Lease } from "../../../src/leases/leases.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import type { CallsWanted, ReadyCall } from "../../../src/turns/step-loop.ts";
import type { OpenCall } from "../../../src/turns/turn-step.ts";
import { TurnStopped, type Turn, type TurnMessage, type TurnReply } from "../../../src/turns/turn.ts";
import { DRAFT_STEP, TurnRunner, type TurnLimits } from "../../../src/turns/turn-runner.ts";
import type { Drafting, TurnWork } from "../../../src/turns/turn-work.ts";
import { TurnStore } from "../../../src/turns/turn-store.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { eventually } from "../../support/eventually.ts";
import type { Form } from "../../../src/ghost/form.ts";
import { Outbox } from "../../../src/ghost/outbox.ts";
import { addProcess, takeLease } from "../../support/lease.ts";
import { sealsOf } from "../../support/seals.ts";

const GHOST = "@agent_llama:example.test";

class Away extends Error {}

/** A world in which turns happen, with a record of the events in it. */
class World {
  readonly store: TurnStore;
  readonly history: History;
  readonly asked: string[] = [];
  readonly sent = new Map<string, object>();
  readonly working = new Set<string>();
  redact: (eventId: string) => Promise<void> = () => Promise.resolve();
  drafting: Drafting = { ...drafting(0), shows: false };
  respond: (turn: Turn, signal: AbortSignal, show: (text: string) => void) => Promise<TurnReply | CallsWanted> = (
    turn,
  ) => Promise.resolve(reply(turn.eventId));
  ready: (step: OpenCall) => Promise<ReadyCall> = () => Promise.reject(new Error("this model calls no tools"));
  send: (step: string) => void | Promise<void> = () => undefined;
  /** Called when an event is stored, and before it is sent. */
  stored: (turn: Turn, step: string) => void = () => undefined;
  #count = 0;

  readonly database: Database;
  /** The process that has the ghost. */
  readonly process: number;
  lease: Lease;
  limits: TurnLimits = {
    maxWaitMs: 60_000,
    maxDurationMs: 60_000,
    retryForMs: 0,
    approvalMs: 60_000,
    calls: { calls: 16, ms: 60_000 },
  };

  private constructor(database: Database, process: number, lease: Lease) {
    this.database = database;
    this.process = process;
    this.lease = lease;
    this.store = new TurnStore(database, sealsOf(database));
    this.history = new History(database, sealsOf(database));
  }

  static async create(database: Database): Promise<World> {
    const process = await addProcess(database);
    return new World(database, process, await acquireLease(database, GHOST, process));
  }

  async ask(
    roomId: string,
    eventId = `$question${++this.#count}`,
    { encrypted = false, asker = "@alice:a.b" } = {},
  ): Promise<string> {
    await this.queue(roomId, eventId, { encrypted, asker });
    return eventId;
  }

  /** The same; returns what the queue says of it. */
  queue(roomId: string, eventId: string, { encrypted = false, asker = "@alice:a.b" } = {}): Promise<Turn | undefined> {
    return this.database.transaction(async (tx) => {
      const position = await this.history.remember(tx, GHOST, roomId, {
        eventId,
        author: "person",
        sender: asker,
        speaker: "alice",
        body: eventId,
        sentAt: 1,
        encrypted,
      });
      const turn = { ghost: GHOST, roomId, eventId, asker, position, threadRoot: undefined };
      return this.store.enqueue(tx, { ...turn, origin: eventId, hops: 0, encrypted });
    });
  }

  /** Counts the ended looks for turns from now on. */
  looks(): () => number {
    const { queue } = this.store;
    const due = queue.due.bind(queue);
    let count = 0;
    queue.due = async (...args) => {
      const found = await due(...args);
      count++;
      return found;
    };
    return () => count;
  }

  /**
   * The reply that a former process was about to send: the turn is `sending`, with its reply sealed as the process
   * seals one.
   */
  async leaveSending(roomId: string, eventId: string, content: object): Promise<void> {
    await this.database.transaction(async (tx) => {
      const key = await sealsOf(this.database).in(tx, { ghost: GHOST, roomId });
      const sealed = key.seal(JSON.stringify(content), "turns.reply", GHOST, eventId, "0");
      await tx.query("update turns set state = 'sending', reply = $2, sealed_by = $3 where event_id = $1", [
        eventId,
        sealed,
        key.id,
      ]);
    });
  }

  upload = (content: TurnMessage["content"]): Promise<TurnMessage["content"]> => Promise.resolve(content);
  readonly ended: string[] = [];
  /** The form in which each message was to leave. */
  readonly forms = new Map<string, Form>();

  runner(): TurnRunner {
    const work: TurnWork = {
      attempt: (turn) =>
        Promise.resolve({
          respond: ({ show, signal }) => {
            this.asked.push(turn.eventId);
            return this.respond(turn, signal, show);
          },
          ready: (step) => this.ready(step),
          withFiles: (made) => made,
          waiting: () => Promise.resolve("waiting"),
          stoppedIn: () => Promise.resolve({ outcome: "stopped", messages: [{ content: { body: "stopped" } }] }),
          underWay: () => Promise.resolve("at work"),
          timeIsOver: () => Promise.resolve({ body: "too late" }),
          drafting: () => Promise.resolve(this.drafting),
        }),
      withUpload: (_turn, { content }) => this.upload(content),
      giveUp: (turn, why) =>
        Promise.resolve({ outcome: "failed", failure: why, messages: reply(turn.eventId).messages }),
      ended: (turn) => this.ended.push(turn.eventId),
      former: (turn, _content, { form }) => {
        this.forms.set(`${turn.eventId} former`, form);
        const isThere = this.sent.has(`${turn.eventId} ${DRAFT_STEP}`);
        return Promise.resolve(isThere ? [`$answer to ${turn.eventId} ${DRAFT_STEP}`] : []);
      },
      sent: (turn, step) =>
        Promise.resolve(this.sent.has(`${turn.eventId} ${step}`) ? `$answer to ${turn.eventId} ${step}` : undefined),
      redact: (_turn, _step, eventId) => this.redact(eventId),
      begin: (turn) => {
        this.working.add(turn.roomId);
        return Promise.resolve({ lease: this.lease, end: () => void this.working.delete(turn.roomId) });
      },
      send: async (turn, step, content, { form, beside }) => {
        await this.send(step);
        const txnId = `${turn.eventId} ${step}`;
        const event = { txnId, roomId: turn.roomId, eventType: "m.room.message", content: JSON.stringify(content) };
        await new Outbox(this.database, sealsOf(this.database)).store(this.lease, event, beside);
        this.stored(turn, step);
        // What was sent is not sent again.
        if (!this.sent.has(`${turn.eventId} ${step}`)) this.sent.set(`${turn.eventId} ${step}`, content);
        this.forms.set(`${turn.eventId} ${step}`, form);
        return { eventId: `$answer to ${turn.eventId} ${step}`, mark: undefined };
      },
      remembering: async (tx, turn) => {
        const remember = await this.history.remembering(tx, GHOST, turn.roomId);
        const [author, sender, speaker] = ["agent", GHOST, "llama"] as const;
        return (eventId, body) =>
          remember({ eventId, author, sender, speaker, body, sentAt: 2, encrypted: false, answers: turn.position });
      },
      retryAfterMs: (error) => (error instanceof Away || error instanceof StaleLease ? 0 : undefined),
    };
    const { database, store, process } = this;
    const runner = new TurnRunner({ database, store, process, limits: () => this.limits, log: silentLogger() });
    runner.start(work);
    return runner;
  }

  /** Begins all waiting turns as a process whose homeserver went away: that counts as no attempt. */
  async putBackOnce(): Promise<void> {
    for (const { turn } of (await this.store.queue.due(this.process)).turns) {
      await this.store.start(this.lease, turn);
      await this.store.putBack(this.lease, turn);
    }
  }

  async state(eventId: string): Promise<unknown> {
    const { rows } = await this.database.query<{ state: string }>("select state from turns where event_id = $1", [
      eventId,
    ]);
    return rows[0]?.state;
  }

  async failure(eventId: string): Promise<unknown> {
    const { rows } = await this.database.query<{ failure: string }>("select failure from turns where event_id = $1", [
      eventId,
    ]);
    return rows[0]?.failure;
  }

  async until(eventId: string, wanted: string): Promise<void> {
    await eventually(`${eventId} to be ${wanted}`, async () => (await this.state(eventId)) === wanted);
  }
}

function reply(text: string): TurnReply {
  return { outcome: "answered", messages: [{ content: { body: text }, remembered: text }] };
}

function drafting(maxEdits: number): Drafting {
  return {
    shows: true,
    maxEdits,
    begin: (text) => Promise.resolve({ body: text }),
    anew: {},
    edit: (eventId, text) => Promise.resolve({ body: text, edits: eventId }),
    whole: (reply) => Promise.resolve(reply),
    finish: ({ messages: [message, ...others], ...rest }, [eventId]) =>
      Promise.resolve({
        ...rest,
        messages: [{ ...message, content: { ...message?.content, edits: eventId }, editOf: eventId }, ...others],
      }),
  };
}

forEachDatabase((_kind, open) => {
  describe("turns", () => {
    it("of one conversation run one after the other, those of different ones side by side", async () => {
      const world = await World.create(await open());
      const running = new Set<string>();
      const release = Promise.withResolvers<undefined>();
      world.respond = async (turn) => {
        assert.ok(!running.has(turn.roomId), "one at a time");
        running.add(turn.roomId);
        if (running.size === 2) release.resolve(undefined);
        await release.promise;
        running.delete(turn.roomId);
        return reply(turn.eventId);
      };
      const questions = [await world.ask("!a"), await world.ask("!a"), await world.ask("!b")];
      const runner = world.runner();
      runner.kick();
      for (const question of questions) await world.until(question, "answered");
      assert.deepEqual(
        world.asked.filter((asked) => asked !== questions[2]),
        questions.slice(0, 2),
      );
      await eventually("nobody to be at work", () => world.working.size === 0);
      await runner.stop();
    });

    it("run only so many at once, and fewer of one person; the others wait, each person's first before a second", async () => {
      const world = await World.create(await open());
      world.limits = { ...world.limits, atWork: { all: 5, ofGhost: 4, ofAsker: 3 } };
      const ends = new Map<string, () => void>();
      world.respond = (turn) => new Promise((resolve) => ends.set(turn.eventId, () => resolve(reply(turn.eventId))));
      for (let room = 0; room < 40; room++) await world.ask(`!${room}`, `$alice${room}`);
      await world.ask("!bob", "$bob", { asker: "@bob:a.b" });
      await world.ask("!bob2", "$bob2", { asker: "@bob:a.b" });
      const atWork = (): string[] => [...ends.keys()].sort();
      const runner = world.runner();
      runner.kick();
      await eventually("four to be at work", () => ends.size === 4);
      assert.deepEqual(atWork(), ["$alice0", "$alice1", "$bob", "$bob2"]);

      // In whichever order they end, a waiting one comes in, and never more.
      const answered: string[] = [];
      while (answered.length < 42) {
        await eventually("one to be at work", () => ends.size > 0);
        assert.ok(ends.size <= 4);
        assert.ok(atWork().filter((id) => id.startsWith("$alice")).length <= 3);
        const [next = ""] = atWork().reverse();
        ends.get(next)?.();
        ends.delete(next);
        await world.until(next, "answered");
        answered.push(next);
      }
      assert.deepEqual(new Set(answered).size, 42);
      await runner.stop();
    });

    it("run only so many in a process, of all agents and people together", async () => {
      const world = await World.create(await open());
      world.limits = { ...world.limits, atWork: { all: 2, ofGhost: 9, ofAsker: 9 } };
      let running = 0;
      let most = 0;
      const ends = new Map<string, () => void>();
      world.respond = async (turn) => {
        most = Math.max(most, ++running);
        await new Promise<void>((resolve) => ends.set(turn.eventId, resolve));
        running--;
        return reply(turn.eventId);
      };
      const runner = world.runner();
      for (let one = 0; one < 9; one++) await world.ask(`!${one}`, `$q${one}`, { asker: `@p${one}:a.b` });
      runner.kick();
      for (let waiting = 9; waiting > 0; waiting--) {
        // None finishes before another has begun, and a third would begin while the first is stored.
        await eventually("two to be at work", () => ends.size >= Math.min(2, waiting));
        const [next = ""] = ends.keys();
        ends.get(next)?.();
        ends.delete(next);
        await world.until(next, "answered");
      }
      await runner.stop();
      assert.equal(most, 2);
    });

    it("ask a step again that a crash left without an answer, and none that was answered", async () => {
      const world = await World.create(await open());
      const [asked, answered] = [await world.ask("!a"), await world.ask("!b")];
      for (const { turn } of (await world.store.queue.due(world.process)).turns) {
        await world.store.start(world.lease, turn);
        if (turn.eventId === answered) await world.store.prepare(world.lease, turn, reply("said before"));
      }
      const runner = world.runner();
      runner.kick();
      for (const question of [asked, answered]) await world.until(question, "answered");
      assert.deepEqual(world.asked, [asked]);
      assert.deepEqual(world.sent.get(`${answered} answer.0`), { body: "said before" });
      const { rows } = await world.database.query("select from turn_steps");
      assert.equal(rows.length, 0);
      await runner.stop();
    });

    it("begin at once when they are queued, where nobody waits before them", async () => {
      const world = await World.create(await open());
      const runner = world.runner();
      const looks = world.looks();
      runner.kick();
      await eventually("the first look", () => Promise.resolve(looks() === 1));
      const first = await world.queue("!a", "$first");
      assert.equal(first?.eventId, "$first");
      runner.queued(first);
      await world.until("$first", "answered");
      assert.equal(looks(), 1);
      await runner.stop();
    });

    it("are looked for when they are queued behind others: of their conversation, or in all places", async () => {
      const world = await World.create(await open());
      const end = Promise.withResolvers<undefined>();
      world.limits = { ...world.limits, atWork: { all: 1, ofGhost: 1, ofAsker: 1 } };
      world.respond = async (turn) => {
        if (turn.eventId === "$first") await end.promise;
        return reply(turn.eventId);
      };
      const runner = world.runner();
      const first = await world.queue("!a", "$first");
      assert.ok(first);
      runner.kick();
      await world.until("$first", "running");
      assert.equal(await world.queue("!a", "$second"), undefined, "another one of the conversation is open");
      assert.equal(await world.queue("!a", "$second"), undefined, "it is queued already");
      const elsewhere = await world.queue("!b", "$third");
      assert.ok(elsewhere);
      runner.queued(elsewhere);
      // It is taken once.
      runner.queued(elsewhere);
      const asked = [...world.asked];
      end.resolve(undefined);
      await world.until("$third", "answered");
      await world.until("$second", "answered");
      await runner.stop();
      assert.deepEqual([asked, world.asked], [["$first"], ["$first", "$second", "$third"]]);
    });

    it("are one for each question, however often it is queued", async () => {
      const world = await World.create(await open());
      await world.ask("!a", "$same");
      await world.ask("!a", "$same");
      const runner = world.runner();
      runner.kick();
      await world.until("$same", "answered");
      runner.kick();
      await runner.stop();
      assert.deepEqual(world.asked, ["$same"]);
      assert.equal(world.sent.size, 1);
    });

    it("that were interrupted are resumed: asked again before the answer is there, only sent after", async () => {
      const world = await World.create(await open());
      const interrupted = await world.ask("!a");
      const prepared = await world.ask("!b");
      await world.database.query("update turns set state = 'running', attempts = 1 where event_id = $1", [interrupted]);
      await world.leaveSending("!b", prepared, reply("as it was"));
      const runner = world.runner();
      runner.kick();
      await world.until(interrupted, "answered");
      await world.until(prepared, "answered");
      await runner.stop();
      assert.deepEqual(world.asked, [interrupted]);
      assert.deepEqual(world.sent.get(`${prepared} answer.0`), { body: "as it was" });
    });

    it("wait, uncounted, while something is away", async () => {
      const world = await World.create(await open());
      let failures = 0;
      world.respond = (turn) => (failures++ < 1 ? Promise.reject(new Away()) : Promise.resolve(reply(turn.eventId)));
      const question = await world.ask("!a");
      const runner = world.runner();
      runner.kick();
      await world.until(question, "answered");
      await runner.stop();
      const { rows } = await world.database.query("select attempts from turns");
      assert.deepEqual(rows, [{ attempts: 1 }]);
    });

    it("are tried again even when another question was looked for meanwhile", async () => {
      const world = await World.create(await open());
      const asked = Promise.withResolvers<undefined>();
      let failures = 0;
      world.respond = (turn) => {
        if (turn.roomId === "!b" || failures++ > 0) return Promise.resolve(reply(turn.eventId));
        asked.resolve(undefined);
        return Promise.reject(new Away());
      };
      const interrupted = await world.ask("!a");
      const runner = world.runner();
      runner.kick();
      await asked.promise;
      await world.until(interrupted, "queued");
      const other = await world.ask("!b");
      runner.kick();
      await world.until(other, "answered");
      await world.until(interrupted, "answered");
      await runner.stop();
    });

    it("do not ask the model again when only the upload of a file failed, and send what was sent already no more", async () => {
      const world = await World.create(await open());
      const uploads: unknown[] = [];
      world.respond = (turn) => {
        const [words] = reply(turn.eventId).messages;
        assert.ok(words);
        const file = (number: number): TurnMessage => ({ content: { body: `${number}` }, file: { step: 2, number } });
        return Promise.resolve({ outcome: "answered", messages: [words, file(0), file(1)] });
      };
      world.upload = (content) => {
        uploads.push(content["body"]);
        return uploads.length === 2 ? Promise.reject(new Away()) : Promise.resolve({ ...content, url: "mxc://a/b" });
      };
      const question = await world.ask("!a");
      const runner = world.runner();
      runner.kick();
      await world.until(question, "answered");
      await runner.stop();
      assert.deepEqual([world.asked, uploads], [[question], ["0", "1", "1"]]);
      assert.deepEqual(
        ["answer.1", "answer.2"].map((step) => world.sent.get(`${question} ${step}`)),
        [
          { body: "0", url: "mxc://a/b" },
          { body: "1", url: "mxc://a/b" },
        ],
      );
    });

    it("do not ask the model again when only the sending failed", async () => {
      const world = await World.create(await open());
      let failures = 0;
      world.send = () => {
        if (failures++ < 1) throw new Away();
      };
      const question = await world.ask("!a");
      const runner = world.runner();
      runner.kick();
      await world.until(question, "answered");
      await runner.stop();
      assert.deepEqual(world.asked, [question]);
    });

    it("do not ask the model again when the sending ends after the answer is stored with its first message", async () => {
      const world = await World.create(await open());
      const stored: unknown[] = [];
      world.stored = (turn) => {
        world.stored = () => undefined;
        stored.push(turn.eventId);
        throw new Away();
      };
      const question = await world.ask("!a");
      const runner = world.runner();
      runner.kick();
      await world.until(question, "answered");
      await runner.stop();
      assert.deepEqual([stored, world.asked], [[question], [question]]);
      const { rows } = await world.database.query("select txn_id from sends");
      assert.deepEqual(rows, [{ txn_id: `${question} answer.0` }]);
    });

    it("have their answer stored before it is sent where the sending is slow, and after that are only sent", async () => {
      const world = await World.create(await open());
      const question = await world.ask("!a");
      const slow = Promise.withResolvers<undefined>();
      world.send = async () => {
        await slow.promise;
        throw new Away();
      };
      const runner = world.runner();
      runner.kick();
      await world.until(question, "sending");
      world.send = () => undefined;
      slow.resolve(undefined);
      await world.until(question, "answered");
      await runner.stop();
      assert.deepEqual(world.asked, [question]);
      const { rows } = await world.database.query("select deliveries from turns");
      assert.deepEqual(rows, [{ deliveries: 1 }]);
    });

    it("keep an answer whose sealing key another process has deleted meanwhile, and do not ask the model again", async () => {
      const world = await World.create(await open());
      const question = await world.ask("!a");
      // The question was sealed another day, so its key is not the one that is deleted.
      await world.database.query("update sealing_keys set period = '2001-01-01'");
      const sealToday = (): Promise<number> =>
        world.database.transaction(async (tx) => {
          const { id } = await sealsOf(world.database).in(tx, { ghost: GHOST, roomId: "!a" });
          return id;
        });
      // The first makes the key, and the second keeps it in memory.
      const key = await sealToday();
      assert.equal(await sealToday(), key);
      world.respond = async (turn) => {
        await world.database.query("delete from sealing_keys where id = $1", [key]);
        return reply(turn.eventId);
      };
      const runner = world.runner();
      runner.kick();
      await world.until(question, "answered");
      await runner.stop();
      assert.deepEqual(world.asked, [question]);
      assert.deepEqual(world.sent.get(`${question} answer.0`), { body: question });
    });

    it("that ended their process again and again are given up, and say so", async () => {
      const world = await World.create(await open());
      const question = await world.ask("!a");
      await world.database.query("update turns set state = 'running', attempts = 5");
      const runner = world.runner();
      runner.kick();
      await world.until(question, "failed");
      await runner.stop();
      assert.deepEqual(world.asked, []);
      assert.equal(world.sent.size, 1);
    });

    it("whose answer ended the process again and again are given up, and later ones go on", async () => {
      const world = await World.create(await open());
      const [poison, next] = [await world.ask("!a"), await world.ask("!a")];
      await world.leaveSending("!a", poison, reply("poison"));
      await world.database.query("update turns set attempts = 1, deliveries = 5 where event_id = $1", [poison]);
      const runner = world.runner();
      runner.kick();
      await world.until(poison, "failed");
      await world.until(next, "answered");
      await runner.stop();
      assert.deepEqual([...world.sent.keys()], [`${next} answer.0`]);
    });

    it("that were declined say so once, without waiting for earlier ones", async () => {
      const world = await World.create(await open());
      const end = Promise.withResolvers<undefined>();
      world.respond = async (turn) => {
        await end.promise;
        return reply(turn.eventId);
      };
      const running = await world.ask("!a");
      const declined = await world.ask("!a");
      await world.leaveSending("!a", declined, { ...reply("too many"), outcome: "failed", failure: "full" });
      const runner = world.runner();
      runner.kick();
      await world.until(declined, "failed");
      await world.until(running, "running");
      end.resolve(undefined);
      await world.until(running, "answered");
      await runner.stop();
      assert.equal(world.sent.size, 2);
    });

    it("fail when nothing can be sent, and later ones go on", async () => {
      const world = await World.create(await open());
      const [first, second] = [await world.ask("!a"), await world.ask("!a")];
      world.send = () => {
        if (world.asked.at(-1) === first) throw new Error("thrown out of the room");
      };
      const runner = world.runner();
      runner.kick();
      await world.until(first, "failed");
      await world.until(second, "answered");
      await runner.stop();
    });

    it("are parked by a stop, and end at the next start", async () => {
      const world = await World.create(await open());
      const begun = Promise.withResolvers<undefined>();
      world.respond = (_turn, signal) =>
        new Promise((_resolve, reject) => {
          begun.resolve(undefined);
          signal.addEventListener("abort", () => reject(new Error("stopped")));
        });
      const question = await world.ask("!a");
      const first = world.runner();
      first.kick();
      await begun.promise;
      await first.stop();
      assert.equal(await world.state(question), "queued");
      world.respond = (turn) => Promise.resolve(reply(turn.eventId));
      const second = world.runner();
      second.kick();
      await world.until(question, "answered");
      await second.stop();
    });

    it("that have waited too long are no longer asked, and say so; one that a crash interrupted is still asked", async () => {
      const world = await World.create(await open());
      const [old, interrupted] = [await world.ask("!a"), await world.ask("!b")];
      await world.database.query("update turns set created_at = created_at - interval '2 minutes'");
      await world.database.query("update turns set state = 'running', attempts = 1 where event_id = $1", [interrupted]);
      const runner = world.runner();
      runner.kick();
      await world.until(old, "failed");
      await world.until(interrupted, "answered");
      await runner.stop();
      assert.deepEqual(world.asked, [interrupted]);
      assert.deepEqual(await world.failure(old), "waited");
      assert.equal(world.sent.size, 2);
    });

    it("that take too long end, and say so", async () => {
      const world = await World.create(await open());
      world.limits = { ...world.limits, maxDurationMs: 50 };
      world.respond = (_turn, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(new Error("cancelled")));
        });
      const question = await world.ask("!a");
      const runner = world.runner();
      runner.kick();
      await world.until(question, "failed");
      await runner.stop();
      assert.equal(await world.failure(question), "timeout");
    });

    it("ask a model server that is away again before they say so", async () => {
      const world = await World.create(await open());
      world.limits = { ...world.limits, retryForMs: 60_000 };
      const away: TurnReply = { outcome: "failed", failure: "unreachable", messages: [], retry: true };
      world.respond = (turn) => Promise.resolve(world.asked.length < 3 ? away : reply(turn.eventId));
      const question = await world.ask("!a");
      const runner = world.runner();
      runner.kick();
      await world.until(question, "answered");
      world.limits = { ...world.limits, retryForMs: 0 };
      world.respond = (turn) => Promise.resolve({ ...away, messages: reply(turn.eventId).messages });
      const second = await world.ask("!a");
      await runner.stop();
      const impatient = world.runner();
      impatient.kick();
      await world.until(second, "failed");
      await impatient.stop();
      assert.deepEqual(world.asked, [question, question, question, second]);
    });

    it("finish when a stop leaves them the time, and no others begin", async () => {
      const world = await World.create(await open());
      const [begun, end] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
      world.respond = async (turn) => {
        begun.resolve(undefined);
        await end.promise;
        return reply(turn.eventId);
      };
      const [running, waiting] = [await world.ask("!a"), await world.ask("!a")];
      const runner = world.runner();
      runner.kick();
      await begun.promise;
      const stopped = runner.stop(60_000);
      end.resolve(undefined);
      await stopped;
      assert.equal(await world.state(running), "answered");
      assert.equal(await world.state(waiting), "queued");
    });

    it("of a ghost that another process has taken over are left to that process", async () => {
      const world = await World.create(await open());
      const taken = Promise.withResolvers<undefined>();
      world.respond = async (turn) => {
        await takeLease(world.database, GHOST);
        taken.resolve(undefined);
        return reply(turn.eventId);
      };
      const question = await world.ask("!a");
      const runner = world.runner();
      runner.kick();
      await taken.promise;
      await runner.stop(60_000);
      assert.equal(world.sent.size, 0);
      assert.equal(await world.state(question), "running");
      // The new owner resumes it.
      world.respond = (turn) => Promise.resolve(reply(turn.eventId));
      world.lease = await acquireLease(world.database, GHOST, world.process);
      const successor = world.runner();
      successor.kick();
      await world.until(question, "answered");
      await successor.stop();
      assert.equal(world.sent.size, 1);
    });

    /** A world whose model calls one tool for each question; people have to agree to it. */
    async function askingWorld(): Promise<World & { made: string[] }> {
      const world = Object.assign(await World.create(await open()), { made: new Array<string>() });
      world.respond = (turn) => {
        const isFirst = world.asked.filter((asked) => asked === turn.eventId).length === 1;
        const call = { id: turn.eventId, name: "t", arguments: {}, mayRepeat: false };
        return Promise.resolve(
          isFirst && turn.eventId.startsWith("$call")
            ? { outcome: "calls", said: { text: "" }, calls: [call] }
            : reply(turn.eventId),
        );
      };
      world.ready = ({ state, call: { id } }) =>
        Promise.resolve(
          state === "approved"
            ? {
                may: "call",
                make: () => {
                  world.made.push(id);
                  return Promise.resolve({ answer: { text: "done", isError: false } });
                },
              }
            : { may: "ask", asked: { deciders: "asker", canGrant: false }, question: { body: "May I?" } },
        );
      return world;
    }

    it("wait for a person's word without holding up anything, and go on after it, whoever takes it", async () => {
      const world = await askingWorld();
      const runner = world.runner();
      const question = await world.ask("!a", "$call1");
      runner.kick();
      await world.until(question, "waiting");
      await eventually("the turn to be put away", () => !runner.isBusy(GHOST) && world.working.size === 0);
      const next = await world.ask("!a");
      runner.kick();
      await world.until(next, "answered");
      assert.deepEqual([await world.state(question), world.made], ["waiting", []]);
      // Another process hears the word.
      const { waiting } = new TurnStore(world.database, sealsOf(world.database));
      const [asked] = await waiting.in(GHOST, "!a");
      assert.ok(asked);
      await world.database.transaction((tx) => waiting.decide(tx, asked, "approved", "@alice:a.b"));
      runner.kick();
      await world.until(question, "answered");
      await runner.stop();
      assert.deepEqual(world.made, [question]);
      assert.deepEqual(
        [...world.sent.keys()],
        [`${question} question.${asked.code}`, `${next} answer.0`, `${question} answer.0`],
      );
    });

    it("go on by themselves when nobody has answered in time, and say so at the question", async () => {
      const world = await askingWorld();
      world.limits = { ...world.limits, approvalMs: 300 };
      const runner = world.runner();
      const question = await world.ask("!a", "$call1");
      runner.kick();
      await world.until(question, "answered");
      await runner.stop();
      assert.deepEqual(world.made, []);
      assert.deepEqual(
        [...world.sent.keys()].map((step) => step.replace(/question\.[A-Z]+/, "question")),
        [`${question} question`, `${question} question over`, `${question} answer.0`],
      );
    });

    it("do not go on when they were stopped while they waited", async () => {
      const world = await askingWorld();
      const runner = world.runner();
      const question = await world.ask("!a", "$call1");
      runner.kick();
      await world.until(question, "waiting");
      const stopped = await world.store.stop(world.database, { ghost: GHOST, roomId: "!a", eventId: question });
      assert.equal(stopped.waiting.length, 1);
      runner.kick();
      const next = await world.ask("!a");
      runner.kick();
      await world.until(next, "answered");
      await runner.stop();
      assert.deepEqual([await world.state(question), world.made, world.asked], ["cancelled", [], [question, next]]);
    });

    it("do not begin when the question was deleted", async () => {
      const world = await World.create(await open());
      const question = await world.ask("!a");
      await world.store.stop(world.database, { ghost: GHOST, roomId: "!a", eventId: question });
      const other = await world.ask("!a");
      const runner = world.runner();
      runner.kick();
      await world.until(other, "answered");
      await runner.stop();
      assert.deepEqual(world.asked, [other]);
      assert.equal(await world.state(question), "cancelled");
    });

    it("show an answer while it is made, edit it no more often than the limit, and end with the whole", async () => {
      const world = await World.create(await open());
      let asked = 0;
      world.drafting = {
        ...drafting(1),
        get maxEdits() {
          asked++;
          return 1;
        },
      };
      world.respond = async (turn, _signal, show) => {
        const shown = (): number => [...world.sent.keys()].filter((step) => step.startsWith(turn.eventId)).length;
        show("word");
        await eventually("the draft", () => shown() === 1);
        show("word word");
        await eventually("its edit", () => shown() === 2);
        show("more than may be shown");
        await eventually("a second edit to be looked at", () => asked === 2);
        return reply("the whole");
      };
      const question = await world.ask("!a");
      const runner = world.runner();
      runner.kick();
      await world.until(question, "answered");
      await runner.stop();
      const steps = [...world.sent.keys()].map((step) => step.slice(question.length + 1));
      assert.deepEqual(steps, ["draft", "draft.1", "answer.0"]);
      assert.deepEqual(world.sent.get(`${question} answer.0`), {
        body: "the whole",
        edits: `$answer to ${question} draft`,
      });
      const remembered = await world.history.upTo(GHOST, "!a", Number.MAX_SAFE_INTEGER, 10, { withAnswer: true });
      const answers = remembered.filter(({ author }) => author === "agent");
      assert.deepEqual(
        answers.map(({ eventId, body }) => ({ eventId, body })),
        [{ eventId: `$answer to ${question} draft`, body: "the whole" }],
      );
    });

    it("are found by each of their messages: their draft, its edits, the answer, and the notice that there is none", async () => {
      const world = await World.create(await open());
      world.drafting = drafting(24);
      const shown = Promise.withResolvers<undefined>();
      world.respond = async (turn, _signal, show) => {
        show("so far");
        await eventually("the draft", () => world.sent.has(`${turn.eventId} ${DRAFT_STEP}`));
        show("so far and further");
        await eventually("an edit of it", () => world.sent.has(`${turn.eventId} ${DRAFT_STEP}.1`));
        return shown.promise.then(() => reply("whole"));
      };
      const question = await world.ask("!room:a.b");
      const runner = world.runner();
      runner.kick();
      await eventually("an edit", () => world.sent.has(`${question} ${DRAFT_STEP}.1`));
      shown.resolve(undefined);
      await world.until(question, "answered");
      const draft = `$answer to ${question} ${DRAFT_STEP}`;
      for (const step of [DRAFT_STEP, `${DRAFT_STEP}.1`, "answer.0"]) {
        const about = await world.store.about(GHOST, "!room:a.b", `$answer to ${question} ${step}`);
        assert.deepEqual([about?.turn.eventId, about?.isOpen, about?.answer], [question, false, draft], step);
      }
      world.respond = () =>
        Promise.resolve({ outcome: "failed", failure: "busy", messages: [{ content: { body: "no" } }] });
      const failing = await world.ask("!room:a.b");
      runner.kick();
      await world.until(failing, "failed");
      const about = await world.store.about(GHOST, "!room:a.b", `$answer to ${failing} answer.0`);
      assert.deepEqual([about?.turn.eventId, about?.answer], [failing, undefined]);
      assert.equal(await world.store.about(GHOST, "!other:a.b", `$answer to ${failing} answer.0`), undefined);
      await world.database.query("update turn_events set created_at = now() - interval '91 days'");
      assert.equal(await world.store.prune(90), 3);
      await runner.stop();
    });

    it("look for a former draft when they were begun before, even where that counted as no attempt", async () => {
      const world = await World.create(await open());
      const runner = world.runner();
      const [fresh, begun] = [await world.ask("!a:a.b", "$fresh"), await world.ask("!b:a.b", "$begun")];
      const { turn } =
        (await world.store.queue.due(world.process)).turns.find(({ turn }) => turn.eventId === begun) ?? {};
      assert.ok(turn);
      await world.store.start(world.lease, turn);
      await world.store.putBack(world.lease, turn);
      runner.kick();
      for (const question of [fresh, begun]) await world.until(question, "answered");
      await runner.stop();
      assert.deepEqual([world.forms.has(`${fresh} former`), world.forms.has(`${begun} former`)], [false, true]);
    });

    it("leave only encrypted once something that came encrypted is in them: drafts, edits, and all but fixed words", async () => {
      const world = await World.create(await open());
      world.drafting = drafting(24);
      world.respond = async (turn, _signal, show) => {
        // The memory turned out to hold something encrypted while the answer is made.
        if (turn.roomId === "!found:a.b") await world.store.markEncrypted(turn);
        show("so far");
        await eventually("the draft", () => world.sent.has(`${turn.eventId} ${DRAFT_STEP}`));
        show("so far and further");
        await eventually("an edit of it", () => world.sent.has(`${turn.eventId} ${DRAFT_STEP}.1`));
        return { ...reply("whole"), messages: [...reply("whole").messages, { content: {}, isFixed: true }] };
      };
      const runner = world.runner();
      const asked = await world.ask("!asked:a.b", "$asked", { encrypted: true });
      const found = await world.ask("!found:a.b", "$found");
      const clear = await world.ask("!clear:a.b", "$clear");
      await world.putBackOnce();
      runner.kick();
      for (const question of [asked, found, clear]) await world.until(question, "answered");
      await runner.stop();
      const steps = ["former", DRAFT_STEP, `${DRAFT_STEP}.1`, "answer.0", "answer.1"];
      const formsOf = (question: string): unknown[] => steps.map((step) => world.forms.get(`${question} ${step}`));
      const [encrypted, ofRoom] = ["encrypted", "of_room"];
      assert.deepEqual(formsOf(asked), [encrypted, encrypted, encrypted, encrypted, ofRoom]);
      assert.deepEqual(formsOf(found), [ofRoom, encrypted, encrypted, encrypted, ofRoom]);
      assert.deepEqual(formsOf(clear), [ofRoom, ofRoom, ofRoom, ofRoom, ofRoom]);
    });

    it("continue the draft that an ended process has left, and the count of its edits", async () => {
      const world = await World.create(await open());
      world.drafting = drafting(24);
      const question = await world.ask("!a");
      await world.database.query("update turns set state = 'running', attempts = 1, edits = 7 where event_id = $1", [
        question,
      ]);
      world.sent.set(`${question} ${DRAFT_STEP}`, { body: "as it was left" });
      world.respond = async (_turn, _signal, show) => {
        show("again from the start");
        await eventually("the draft to be edited", () => world.sent.has(`${question} draft.8`));
        return reply("the whole");
      };
      const runner = world.runner();
      runner.kick();
      await world.until(question, "answered");
      await runner.stop();
      assert.deepEqual(world.sent.get(`${question} answer.0`), {
        body: "the whole",
        edits: `$answer to ${question} draft`,
      });
    });

    it("are stopped: a running one keeps its answer so far, a waiting one does not begin", async () => {
      const world = await World.create(await open());
      const [first, second] = [await world.ask("!a"), await world.ask("!a")];
      const elsewhere = await world.ask("!b");
      const runner = world.runner();
      world.respond = async (turn, signal) => {
        if (turn.eventId === elsewhere) return reply("not stopped");
        const { running, cancelled } = await world.store.stop(world.database, { ghost: GHOST, roomId: "!a" });
        assert.equal(cancelled, 1);
        runner.stopTurns(running, { keeps: true });
        assert.ok(signal.reason instanceof TurnStopped);
        return { outcome: "stopped", messages: reply("half of").messages };
      };
      runner.kick();
      await world.until(first, "cancelled");
      await world.until(second, "cancelled");
      await world.until(elsewhere, "answered");
      await runner.stop();
      assert.deepEqual(world.sent.get(`${first} answer.0`), { body: "half of" });
      assert.equal(world.asked.includes(second), false);
    });

    it("are stopped even while they begin, and a draft that can't be deleted is no failure", async () => {
      const world = await World.create(await open());
      world.drafting = { ...drafting(24), finish: (reply) => Promise.resolve({ ...reply, redacts: ["$not ours"] }) };
      const question = await world.ask("!a");
      world.sent.set(`${question} ${DRAFT_STEP}`, { body: "shown" });
      const runner = world.runner();
      runner.stopTurns([1], { keeps: true });
      world.respond = (_turn, signal) => {
        assert.ok(signal.reason instanceof TurnStopped);
        return Promise.resolve({ outcome: "stopped", messages: reply("half").messages });
      };
      world.redact = () => Promise.reject(new Error("forbidden"));
      runner.kick();
      await world.until(question, "cancelled");
      await runner.stop();
      assert.equal(await world.failure(question), "stopped");
    });

    it("that were stopped before their process ended are not asked again", async () => {
      const world = await World.create(await open());
      const question = await world.ask("!a");
      await world.database.query(
        "update turns set state = 'running', attempts = 1, stopped = true where event_id = $1",
        [question],
      );
      world.respond = (_turn, signal) => Promise.reject(signal.reason as Error);
      const runner = world.runner();
      runner.kick();
      await world.until(question, "cancelled");
      await runner.stop();
      assert.equal(world.sent.size, 0);
    });

    it("leave each answer in the conversation after its question", async () => {
      const world = await World.create(await open());
      const [first, second] = [await world.ask("!a"), await world.ask("!a")];
      const runner = world.runner();
      runner.kick();
      await world.until(second, "answered");
      await runner.stop();
      const third = await world.ask("!a");
      const { rows } = await world.database.query<{ position: number }>(
        "select position from messages where event_id = $1",
        [third],
      );
      const said = await world.history.upTo(GHOST, "!a", rows[0]?.position ?? 0, 100);
      assert.deepEqual(
        said.map(({ author, body }) => `${author} ${body}`),
        [`person ${first}`, `agent ${first}`, `person ${second}`, `agent ${second}`, `person ${third}`],
      );
    });
  });
});
