import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TurnReply } from "../../../src/turns/turn.ts";
import { TurnStore } from "../../../src/turns/turn-store.ts";
import { ALICE, chunks, LLAMA, MODERATOR, NEVER, QWEN, ROOM, UNSEEN, World } from "../../support/conversation-world.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { sealsOf } from "../../support/seals.ts";

const FIELD = "io.github.matrix-appservice-agents.exchange";
const to = (...userIds: string[]): object => ({ "m.mentions": { user_ids: userIds } });

/** Answers the open turn of an event as a ghost, and lets the others hear it; returns the answer's event and content. */
async function answer(
  world: World,
  question: string,
  ghost: string,
  says: string,
): Promise<{ eventId: string; content: Record<string, unknown> }> {
  world.provider.says = () => chunks(says);
  const turn = await world.turn(question, ghost);
  assert.ok(turn, `${ghost} is not asked`);
  const { database } = world;
  const reply: TurnReply = await world.respond(turn, false, UNSEEN, NEVER);
  const content = reply.messages[0]?.content as Record<string, unknown>;
  const eventId = `${question} answered by ${ghost}`;
  await database.transaction(async (tx) => {
    await world.remember(turn, eventId, says, tx);
    await new TurnStore(database, sealsOf(database)).finish(tx, turn, reply);
  });
  for (const other of [LLAMA, QWEN]) if (other !== ghost) await hear(world, other, ghost, eventId, content);
  return { eventId, content };
}

async function hear(world: World, who: string, sender: string, eventId: string, content: object): Promise<void> {
  await world.say("", { to: who, sender, eventId, content: content as Record<string, unknown>, direct: false });
}

forEachDatabase((_kind, open) => {
  describe("agents in a room", () => {
    it("hear what people say to other agents and what those answer, and nothing else", async () => {
      const world = new World(await open());
      const group = { direct: false, to: QWEN };
      await world.say("just talking", group);
      await world.say("Llama, what is 6 times 7?", { ...group, also: to(LLAMA) });
      await world.say("llama: !system Be rude", { ...group, also: to(LLAMA) });
      const draft = { msgtype: "m.text", body: "4", "org.matrix.msc4357.live": {} };
      await hear(world, QWEN, LLAMA, "$draft", draft);
      const whole = { msgtype: "m.text", body: "42", ...to(ALICE), [FIELD]: { origin: "$q", hops: 0 } };
      const relation = { "m.relates_to": { rel_type: "m.replace", event_id: "$draft" } };
      await hear(world, QWEN, LLAMA, "$edit", { ...whole, body: "* 42", "m.new_content": whole, ...relation });
      await hear(world, QWEN, LLAMA, "$notice", { msgtype: "m.notice", body: "I am Llama" });
      assert.deepEqual(await world.remembered(QWEN), ["Alice: Llama, what is 6 times 7?", "Llama: 42"]);
      assert.deepEqual(await world.turns(), []);

      await world.say("!listen off", { ...group, sender: MODERATOR, also: to(QWEN) });
      await world.say("Llama, and 7 times 7?", { ...group, also: to(LLAMA) });
      await hear(world, QWEN, LLAMA, "$second", { ...whole, body: "49" });
      assert.equal((await world.remembered(QWEN)).length, 2);
    });

    it("are all asked by one message that names them", async () => {
      const world = new World(await open());
      for (const ghost of [LLAMA, QWEN]) {
        await world.say("compare tea and coffee", { eventId: "$q", direct: false, to: ghost, also: to(LLAMA, QWEN) });
      }
      assert.ok(await world.turn("$q", LLAMA));
      assert.ok(await world.turn("$q", QWEN));
    });

    it("are asked without their names in the question, with a command too", async () => {
      const world = new World(await open());
      for (const ghost of [LLAMA, QWEN]) {
        const both = { direct: false, to: ghost, also: to(LLAMA, QWEN) };
        await world.say("Llama Qwen: compare tea and coffee", { ...both, eventId: "$q" });
        await world.say("@llama @qwen !status", { ...both, eventId: "$c" });
        assert.deepEqual(await world.remembered(ghost), ["Alice: compare tea and coffee"]);
        assert.equal((await world.turns()).filter(({ event_id }) => event_id === "$c").length, 0);
      }
      assert.deepEqual(
        world.sent.map(({ content }) => String(content["body"]).split(",")[0]),
        ["I am Llama", "I am Qwen"],
      );
    });

    it("do not take a command to another agent for a question, though it mentions both", async () => {
      const world = new World(await open());
      for (const ghost of [LLAMA, QWEN]) {
        await world.say("Llama: !discuss Qwen Is water wet?", {
          eventId: "$q",
          direct: false,
          to: ghost,
          also: to(LLAMA, QWEN),
        });
      }
      assert.deepEqual(
        (await world.turns()).map(({ event_id }) => event_id),
        ["$q"],
      );
      assert.ok(await world.turn("$q", LLAMA));
    });

    it("ask nobody by themselves, whatever their models say", async () => {
      const world = new World(await open());
      await hear(world, LLAMA, QWEN, "$before", { msgtype: "m.text", body: "I am here." });
      const question = await world.say("Llama, help", { direct: false, also: to(LLAMA) });
      const says = `@agent_qwen: what is 6 times 7? Or should I ask ${QWEN}?`;
      const { content } = await answer(world, question, LLAMA, says);
      assert.deepEqual(content["m.mentions"], { user_ids: [ALICE] }, "nor by its id, though it took part");
      assert.equal((await world.turns()).length, 1);
    });
  });

  describe("a delegate", () => {
    async function delegating(): Promise<World> {
      const world = new World(await open(), { maxQueued: 10 });
      for (const ghost of [LLAMA, QWEN]) {
        await world.say("!delegate on", { direct: false, to: ghost, sender: MODERATOR, also: to(ghost) });
      }
      return world;
    }

    it("is asked by a line of an answer, hears the question, and answers the person who asked the first agent", async () => {
      const world = await delegating();
      const question = await world.say("Llama, help", { direct: false, also: to(LLAMA) });
      const asked = await answer(world, question, LLAMA, "I ask Qwen.\n\n@agent_qwen: what is 6 times 7?");
      assert.match(world.provider.asked[0]?.messages[0]?.content ?? "", /@agent_qwen \(Qwen, qwen2\.5:7b\)/);
      assert.deepEqual(asked.content["m.mentions"], { user_ids: [ALICE, QWEN] });
      assert.deepEqual(asked.content[FIELD], { origin: question, hops: 0 });
      const given = await answer(world, asked.eventId, QWEN, "42");
      assert.equal(world.provider.asked.at(-1)?.messages.at(-1)?.content.split("\n")[0], "Llama: I ask Qwen.");
      assert.deepEqual(given.content["m.mentions"], { user_ids: [ALICE] });
      assert.deepEqual(given.content[FIELD], { origin: question, hops: 1 });
      assert.deepEqual(given.content["m.relates_to"], { "m.in_reply_to": { event_id: asked.eventId } });
      assert.ok((await world.remembered()).includes("Qwen: 42"), "and the first one hears it");
    });

    it("is asked only by the last part of a long answer, and people are mentioned by the first", async () => {
      const world = await delegating();
      const question = await world.say("Llama, help", { direct: false, also: to(LLAMA) });
      const turn = await world.turn(question);
      assert.ok(turn);
      world.provider.says = () => chunks("@agent_qwen: what is this?\n\n", "word ".repeat(9_000));
      const { messages } = await world.respond(turn, false, UNSEEN, NEVER);
      assert.ok(messages.length > 1);
      const mentions = messages.map(({ content }) => content["m.mentions"]);
      assert.deepEqual([mentions[0], mentions.at(-1)], [{ user_ids: [ALICE] }, { user_ids: [QWEN] }]);
      assert.ok(mentions.slice(1, -1).every((some) => JSON.stringify(some) === "{}"));
      const drafting = await (await world.attempt(turn, false)).drafting();
      const edit = await drafting.finish({ outcome: "answered", messages }, ["$draft"]);
      assert.deepEqual(edit.messages.map(({ content }) => content["m.mentions"]).at(-1), { user_ids: [QWEN] });
    });

    it("may ask on, but not for ever", async () => {
      const world = await delegating();
      let last = await world.say("Llama, begin", { direct: false, also: to(LLAMA) });
      ({ eventId: last } = await answer(world, last, LLAMA, "@qwen go on"));
      ({ eventId: last } = await answer(world, last, QWEN, "@llama go on"));
      const end = await answer(world, last, LLAMA, "@qwen go on");
      assert.deepEqual(end.content["m.mentions"], { user_ids: [ALICE] }, "the third one is told of nobody to ask");
      assert.equal(await world.turn(end.eventId, QWEN), undefined);
      // Even if it asked:
      const forged = { msgtype: "m.text", body: "go on", ...to(QWEN), [FIELD]: { origin: "$event3", hops: 2 } };
      await hear(world, QWEN, LLAMA, "$forged", forged);
      assert.equal(await world.turn("$forged", QWEN), undefined);
    });

    it("is not asked beyond the budget of the question, of all agents together", async () => {
      const world = await delegating();
      const question = await world.say("Llama, begin", { direct: false, also: to(LLAMA) });
      const asks = (id: number): object => ({
        msgtype: "m.text",
        body: "go on",
        ...to(QWEN),
        [FIELD]: { origin: question, hops: 0 },
        id,
      });
      for (let id = 0; id < 10; id++) await hear(world, QWEN, LLAMA, `$ask${id}`, asks(id));
      assert.equal((await world.turns()).length, 5);
      await hear(world, QWEN, LLAMA, "$ask0", asks(0));
      assert.equal((await world.turns()).length, 5, "nor twice for the same");
    });

    it("is not asked when a day's limit is used up", async () => {
      const limits = { user: { requests: 1 }, room: {}, server: {}, agent: {} };
      const world = new World(await open(), { limits });
      const question = await world.say("Llama, begin", { direct: false, also: to(LLAMA) });
      const content = { msgtype: "m.text", body: "go on", ...to(QWEN), [FIELD]: { origin: question, hops: 0 } };
      await hear(world, QWEN, LLAMA, "$ask", content);
      assert.equal((await world.turns()).length, 1);
    });

    it("is not asked by an exchange that nobody began, by people's text in an agent's words, or after a stop or deletion", async () => {
      const world = await delegating();
      const question = await world.say("Llama, begin", { direct: false, also: to(LLAMA) });
      const asks = (origin: string): object => ({
        msgtype: "m.text",
        body: "go on",
        ...to(QWEN),
        [FIELD]: { origin, hops: 0 },
      });
      await hear(world, QWEN, LLAMA, "$unknown", asks("$nothing"));
      await hear(world, QWEN, ALICE, "$byAlice", asks(question));
      await world.say("!stop", { direct: false, sender: MODERATOR });
      await hear(world, QWEN, LLAMA, "$stopped", asks(question));
      const other = await world.say("Llama, begin again", { direct: false, also: to(LLAMA) });
      await world.settle(world.conversation.redacted(world.ghost(), { roomId: ROOM, sender: ALICE, target: other }));
      await hear(world, QWEN, LLAMA, "$deleted", asks(other));
      const third = await world.say("Llama, and again", { direct: false, also: to(LLAMA) });
      await world.react(third, "🛑");
      await hear(world, QWEN, LLAMA, "$reacted", asks(third));
      assert.deepEqual(
        (await world.turns()).map(({ event_id, state }) => `${String(event_id)} ${String(state)}`),
        [`${question} cancelled`, `${third} cancelled`],
      );
    });
  });

  describe("a discussion", () => {
    it("goes from one to the next in a thread, knows its topic, and ends after so many turns", async () => {
      const world = new World(await open());
      const command = await world.say("!discuss 3 qwen Is water wet?", { direct: false, also: to(LLAMA) });
      const thread = {
        rel_type: "m.thread",
        event_id: command,
        is_falling_back: true,
        "m.in_reply_to": { event_id: command },
      };
      assert.match(String(world.sent.at(-1)?.content["body"]), /^Llama and Qwen discuss this in 3 turns altogether\./);
      assert.deepEqual(world.sent.at(-1)?.content["m.relates_to"], thread);
      const first = await answer(world, command, LLAMA, "Yes.");
      assert.deepEqual(first.content["m.mentions"], { user_ids: [QWEN] });
      assert.deepEqual(first.content["m.relates_to"], thread);
      const second = await answer(world, first.eventId, QWEN, "No.");
      assert.deepEqual(second.content["m.mentions"], { user_ids: [LLAMA] });
      const [system, ...messages] = world.provider.asked.at(-1)?.messages ?? [];
      assert.match(system?.content ?? "", /You discuss something with Llama.*Is water wet\?[\s\S]*turn 2 of 3\./);
      assert.deepEqual(
        messages.map(({ content }) => content),
        ["Llama: Yes."],
      );
      const third = await answer(world, second.eventId, LLAMA, "Let us call it moist. @agent_qwen: do you agree?");
      assert.match(world.provider.asked.at(-1)?.messages[0]?.content ?? "", /turn 3 of 3: come to an end/);
      assert.deepEqual(third.content["m.mentions"], { user_ids: [ALICE] }, "only the end is for people's phones");
      assert.equal((await world.turns()).length, 3);
    });

    it("mentions nobody while an agent writes, and the next agent at the end", async () => {
      const world = new World(await open());
      const command = await world.say("!discuss qwen Is water wet?", { direct: false, also: to(LLAMA) });
      const turn = await world.turn(command);
      assert.ok(turn);
      const drafting = await (await world.attempt(turn, false)).drafting();
      assert.deepEqual((await drafting.begin("Ye"))["m.mentions"], {});
      const reply = await world.respond(turn, false, UNSEEN, NEVER);
      const edit = (await drafting.finish(reply, ["$draft"])).messages[0]?.content;
      assert.deepEqual(edit?.["m.mentions"], { user_ids: [QWEN] });
    });

    it("ends with a stop during anybody's turn, and when an agent leaves", async () => {
      const world = new World(await open());
      const command = await world.say("!discuss 4 qwen Is water wet?", { direct: false, also: to(LLAMA) });
      const first = await answer(world, command, LLAMA, "Yes.");
      assert.ok(await world.turn(first.eventId, QWEN));
      // Said to everybody; Llama gets it first.
      await world.say("!stop", { direct: false, sender: MODERATOR, eventId: "$stop" });
      const second = await answer(world, first.eventId, QWEN, "No.");
      assert.deepEqual(second.content["m.mentions"], { user_ids: [ALICE] });
      assert.equal(await world.turn(second.eventId, LLAMA), undefined);

      const again = await world.say("!discuss 4 qwen Is fire hot?", { direct: false, also: to(LLAMA) });
      world.present.delete(QWEN);
      const alone = await answer(world, again, LLAMA, "Yes.");
      assert.deepEqual(alone.content["m.mentions"], { user_ids: [ALICE] });
    });

    it("needs other agents, a topic, and a length within limits", async () => {
      const world = new World(await open());
      const group = { direct: false, also: to(LLAMA) };
      const said = (): string => String(world.sent.at(-1)?.content["body"]);
      await world.say("!discuss qwen Is water wet?");
      assert.match(said(), /direct chat has no other agents/);
      await world.say("!discuss gpt Is water wet?", group);
      assert.match(said(), /no agent “gpt” in this room\. There are: qwen/);
      await world.say("!discuss qwen", group);
      assert.match(said(), /Please write it like this: @llama !discuss/);
      await world.say("!discuss 99 qwen Is water wet?", group);
      assert.match(said(), /Please write it like this: @llama !discuss/);
      world.present.delete(QWEN);
      await world.say("!discuss qwen Is water wet?", group);
      assert.match(said(), /no other agent in this room/);
      assert.deepEqual(await world.turns(), []);
    });

    it("leaves nothing when it is forgotten", async () => {
      const world = new World(await open());
      await world.say("!discuss qwen the secret topic", { direct: false, also: to(LLAMA) });
      await world.say("!forget", { direct: false, sender: MODERATOR, also: to(LLAMA) });
      for (const table of ["exchanges", "messages"]) {
        const { rows } = await world.database.query(`select * from ${table}`);
        assert.doesNotMatch(JSON.stringify(rows), /secret topic/);
      }
    });
  });

  describe("people whom an answer names", () => {
    it("are not mentioned, even if they took part: only the asker is, and never the room", async () => {
      const world = new World(await open());
      const bob = "@bob:example.test";
      await world.say("Llama, I am Bob", { direct: false, sender: bob, also: to(LLAMA) });
      const question = await world.say("Llama, who was here?", { direct: false, also: to(LLAMA) });
      const says = [
        `${bob} was, not @carol:example.test. @room! Bob!`,
        `[Bob](https://matrix.to/#/${bob}) and <https://matrix.to/#/${encodeURIComponent(bob)}>, matrix:u/bob:example.test`,
        `<a href="https://matrix.to/#/${bob}">Bob</a>`,
      ].join("\n\n");
      const first = (await world.turns())[0];
      await new TurnStore(world.database, sealsOf(world.database)).stop(world.database, {
        ghost: LLAMA,
        roomId: ROOM,
        eventId: String(first?.["event_id"]),
      });
      const { content } = await answer(world, question, LLAMA, says);
      assert.deepEqual(content["m.mentions"], { user_ids: [ALICE] });
      assert.doesNotMatch(String(content["formatted_body"]), /<a href/, "nor drawn as if they were");
      assert.doesNotMatch(JSON.stringify(content), /@room/i);
    });
  });
});
