import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Limits } from "../../../src/config/config.ts";
import { Allowances, usersOf } from "../../../src/turns/allowances.ts";
import { TurnStore } from "../../../src/turns/turn-store.ts";
import { ALICE, BOB, LLAMA, MODERATOR, NEVER, QWEN, ROOM, UNSEEN, World } from "../../support/conversation-world.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { sealsOf } from "../../support/seals.ts";
import { failureOf } from "../../support/turn-replies.ts";

const NONE: Limits = { user: {}, room: {}, server: {}, agent: {} };

forEachDatabase((_kind, open) => {
  describe("the number of questions in a day", () => {
    it("gets a friendly notice when it is used up, with the time of the next question", async () => {
      const world = new World(await open(), { limits: { ...NONE, user: { requests: 2 } } });
      await world.answered(await world.say("mine", { sender: BOB }), { answers: [] });
      for (const text of ["one", "two"]) await world.say(text);
      const last = await world.say("three");
      assert.deepEqual(
        (await world.turns()).map(({ state }) => state),
        ["answered", "queued", "queued", "sending"],
      );
      assert.match(
        String((await world.replyTo(last))?.messages[0]?.content["body"]),
        /You have reached the limit for a day\. The next question is possible in about 12 hours/,
      );
      await world.say("!usage");
      assert.match(String(world.sent.at(-1)?.content["body"]), /Left of a day's 2 questions: 0/);
    });

    it("is limited for a room, a server and an agent too, and by tokens", async () => {
      const other = { ghost: "@agent_qwen:example.test", roomId: "!other:example.test", asker: BOB };
      for (const [limits, isFree] of [
        [{ ...NONE, room: { requests: 1 } }, true],
        [{ ...NONE, agent: { requests: 1 } }, true],
        [{ ...NONE, server: { requests: 1 } }, false],
      ] as const) {
        const database = await open();
        const allowances = new Allowances(database, () => limits);
        const users = usersOf({ ghost: LLAMA, roomId: ROOM, asker: ALICE });
        const take = (who: typeof users): Promise<unknown> => database.transaction((tx) => allowances.take(tx, who));
        assert.equal(await take(users), undefined);
        assert.notEqual(await take(users), undefined);
        assert.equal((await take(usersOf(other))) === undefined, isFree);
      }
      const database = await open();
      const allowances = new Allowances(database, () => ({ ...NONE, user: { tokens: 100 } }));
      const users = usersOf({ ghost: LLAMA, roomId: ROOM, asker: ALICE });
      const take = (): Promise<unknown> => database.transaction((tx) => allowances.take(tx, users));
      await allowances.spend(users, 60);
      assert.equal(await take(), undefined);
      await allowances.spend(users, 60);
      assert.deepEqual({ ...((await take()) as object), waitMs: 0 }, { kind: "user", waitMs: 0 });
      assert.deepEqual(await allowances.leftFor(ALICE), [{ what: "tokens", left: 0, of: 100 }]);
    });

    it("is counted once, however many people ask at the same time", async () => {
      const database = await open();
      const allowances = new Allowances(database, () => ({ ...NONE, user: { requests: 5 } }));
      const users = usersOf({ ghost: LLAMA, roomId: ROOM, asker: ALICE });
      const taken = await Promise.all(
        Array.from({ length: 12 }, () => database.transaction((tx) => allowances.take(tx, users))),
      );
      assert.equal(taken.filter((refused) => refused === undefined).length, 5);
    });

    it("is used up by reactions, retries and discussions as well", async () => {
      const world = new World(await open(), { limits: { ...NONE, user: { requests: 1 } } });
      const question = await world.say("one");
      await world.answered(question);
      await world.react(question, "🔁");
      assert.match(
        String((await world.replyTo(question))?.messages[0]?.content["body"]),
        /reached the limit for a day.*🔁/,
        "the person who reacts is told, too",
      );
      await world.answered(question, { answers: [] });
      await world.say("!retry");
      assert.match(String(world.sent.at(-1)?.content["body"]), /reached the limit for a day.*please ask again then/);
      assert.equal((await world.turns()).length, 2);
    });
  });

  describe("the number of questions that may wait in a room", () => {
    /** One answered and one waiting question of a person, and others that fill the queue. */
    async function full(): Promise<{ world: World; answered: string; waiting: string }> {
      const world = new World(await open());
      const answered = await world.say("one");
      await world.answered(answered);
      const waiting = await world.say("two", { sender: BOB });
      for (const text of ["three", "four"]) await world.say(text);
      return { world, answered, waiting };
    }
    const states = async (world: World): Promise<unknown[]> => (await world.turns()).map(({ state }) => state);
    const edit = (target: string, body: string): object => ({
      "m.new_content": { msgtype: "m.text", body },
      "m.relates_to": { rel_type: "m.replace", event_id: target },
    });
    const FULL = ["answered", "queued", "queued", "queued"];

    it("limits reactions, whose senders are told so", async () => {
      const { world, answered } = await full();
      await world.react(answered, "🔁");
      assert.deepEqual(await states(world), [...FULL, "sending"]);
      assert.match(String((await world.replyTo(answered))?.messages[0]?.content["body"]), /many questions wait for/);
      await world.react(answered, "🔁");
      assert.equal((await states(world)).length, 5, "it is said once");
    });

    it("limits edits of answered questions, whose senders are told so, but not edits of waiting ones", async () => {
      const { world, answered, waiting } = await full();
      await world.say("* two and a half", { sender: BOB, also: edit(waiting, "two and a half") });
      assert.deepEqual(await states(world), ["answered", "cancelled", "queued", "queued", "queued"]);
      await world.say("* one and a half", { also: edit(answered, "one and a half") });
      assert.match(String((await world.replyTo(answered))?.messages[0]?.content["body"]), /many questions wait for/);
      assert.deepEqual((await states(world)).slice(5), ["sending"]);
    });

    it("limits !retry and !discuss, which say so", async () => {
      const world = new World(await open());
      for (const text of ["one", "two", "three"]) await world.say(text, { sender: BOB });
      await world.answered(await world.say("four", { sender: ALICE }), { answers: [] });
      await world.say("!retry");
      assert.match(String(world.sent.at(-1)?.content["body"]), /many questions wait for.*ask again later/);
      await world.say("!discuss qwen cheese", { direct: false, also: { "m.mentions": { user_ids: [LLAMA] } } });
      assert.match(String(world.sent.at(-1)?.content["body"]), /many questions wait for.*ask again later/);
      assert.deepEqual(await states(world), ["queued", "queued", "queued", "answered"]);
    });

    it("limits another agent's questions, without a word", async () => {
      const { world, waiting } = await full();
      const asked = {
        eventId: "$asked",
        sender: QWEN,
        direct: false,
        also: {
          "m.mentions": { user_ids: [LLAMA] },
          "io.github.matrix-appservice-agents.exchange": { origin: waiting, hops: 0 },
        },
      };
      await world.exchanges.begin(world.database, { roomId: ROOM, origin: waiting }, BOB);
      await world.say("@agent_llama: what is cheese?", asked);
      assert.deepEqual(await states(world), FULL);
    });

    it("limits the questions that a room's consent releases; the first that finds no place says so", async () => {
      const world = new World(await open());
      world.provider.locality = "cloud";
      const questions: string[] = [];
      for (let n = 1; n <= 6; n++) {
        const question = await world.say(`question ${n}`);
        const turn = await world.turn(question);
        assert.ok(turn);
        const reply = await world.respond(turn, true, UNSEEN, NEVER);
        assert.equal(failureOf(reply), "needs_consent");
        await new TurnStore(world.database, sealsOf(world.database)).finish(world.database, turn, reply);
        questions.push(question);
      }
      await world.say("!privacy allow", { sender: MODERATOR });
      const since = (await world.turns()).slice(6);
      assert.deepEqual(
        since.map(({ event_id: question, state }) => [questions.indexOf(String(question)) + 1, state]),
        [
          [1, "queued"],
          [2, "queued"],
          [3, "queued"],
          [4, "sending"],
        ],
      );
      assert.match(
        String((await world.replyTo(questions[3] ?? ""))?.messages[0]?.content["body"]),
        /many questions wait for/,
      );
    });

    it("is counted for calls of tools, apart from questions, and wears off", async () => {
      const database = await open();
      const limits = { user: { toolCalls: 2 }, room: { requests: 1 }, server: {}, agent: {} };
      const allowances = new Allowances(database, () => limits);
      const users = usersOf({ asker: BOB, roomId: "!room:example.test", ghost: "@agent_llama:example.test" });
      const taken = await Promise.all([1, 2, 3].map(() => allowances.takeToolCall(users)));
      assert.equal(taken.filter((refused) => refused === undefined).length, 2);
      assert.equal(taken.find((refused) => refused !== undefined)?.kind, "user");
      assert.deepEqual(await allowances.leftFor(BOB), [{ what: "toolCalls", left: 0, of: 2 }]);
      // Questions have a limit of their own.
      assert.equal(await allowances.takeNow(users), undefined);
      await database.query("update allowances set counted_at = now() - interval '13 hours' where what = 'tool_calls'");
      assert.equal(await allowances.takeToolCall(users), undefined);
    });
  });
});
