import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ParameterRefused } from "../../../src/providers/parameters.ts";
import { PromptTooLong } from "../../../src/providers/prompt-too-long.ts";
import { ProviderError, type ChatChunk } from "../../../src/providers/provider.ts";
import type { TurnReply } from "../../../src/turns/turn.ts";
import { TurnStore } from "../../../src/turns/turn-store.ts";
import { AGENT, chunks, NEVER, PICTURE, UNSEEN, World } from "../../support/conversation-world.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { sealsOf } from "../../support/seals.ts";
import { failureOf } from "../../support/turn-replies.ts";

const bodyOf = (reply: TurnReply): string => String(reply.messages[0]?.content["body"]);

/** Words, then an end of this kind. */
async function* ending(reason: "stop" | "length" | "filtered", ...texts: string[]): AsyncIterable<ChatChunk> {
  for (const text of texts) yield await Promise.resolve({ kind: "text", text } as const);
  yield { kind: "done", reason };
}

async function* failing(error: Error, ...texts: string[]): AsyncIterable<ChatChunk> {
  for (const text of texts) yield await Promise.resolve({ kind: "text", text } as const);
  throw error;
}

forEachDatabase((_kind, open) => {
  describe("a model that is asked", () => {
    async function ask(world: World, text: string, also: object = {}): Promise<TurnReply> {
      const turn = await world.turn(await world.say(text, { also }));
      assert.ok(turn);
      const reply = await world.respond(turn, true, UNSEEN, NEVER);
      await new TurnStore(world.database, sealsOf(world.database)).finish(world.database, turn, reply);
      return reply;
    }

    /** A conversation that fills a window of 4,096. */
    async function talkative(): Promise<World> {
      const world = new World(await open());
      for (let message = 0; message < 30; message++)
        await world.answered(await world.say(`${message} ${"and this is what I have to say about that. ".repeat(9)}`));
      world.provider.asked.length = 0;
      return world;
    }

    const lengths = (world: World): number[] =>
      world.provider.asked.map(({ messages }) => messages.reduce((sum, { content }) => sum + content.length, 0));

    it("for more than its window holds is asked again with less, and the next time with less at once", async () => {
      const world = await talkative();
      world.provider.says = ({ contextTokens }) =>
        contextTokens > 2_048 ? failing(new PromptTooLong(2_048, 2_579)) : chunks("An ", "answer.");
      assert.equal((await ask(world, "and now?")).outcome, "answered");
      const [first = 0, second = 0] = lengths(world);
      assert.ok(second < first / 1.5, `${first} then ${second}`);
      assert.deepEqual(
        world.provider.asked.map(({ contextTokens }) => contextTokens),
        [4_096, 2_048],
      );
      assert.equal((await ask(world, "and then?")).outcome, "answered");
      assert.equal(world.provider.asked.at(-1)?.contextTokens, 2_048);
      assert.equal(world.provider.asked.length, 3);
    });

    it("and refuses each time, without a number, says so in words, and takes less each time", async () => {
      const world = await talkative();
      world.provider.says = () => failing(new PromptTooLong(undefined, undefined));
      const reply = await ask(world, "and now?");
      assert.deepEqual([reply.outcome, failureOf(reply), world.provider.asked.length], ["failed", "too_long", 2]);
      assert.match(bodyOf(reply), /longer than Llama.s model “llama3\.2:3b” can read.*!forget/);
      const [first = 0, second = 0] = lengths(world);
      assert.ok(second < first);
      world.provider.says = ({ contextTokens }) =>
        contextTokens > 1_500 ? failing(new PromptTooLong(undefined, undefined)) : chunks("An answer.");
      assert.equal((await ask(world, "and now?")).outcome, "answered");
    });

    it("with a former picture that its server refuses is asked without that picture, then and later", async () => {
      const world = new World(await open());
      world.agent = { ...AGENT, vision: true };
      world.files.set("mxc://example.test/cat.png", PICTURE);
      const picture = {
        msgtype: "m.image",
        body: "cat.png",
        url: "mxc://example.test/cat.png",
        info: { mimetype: "image/png" },
      };
      await world.answered(await world.say("", { also: picture }));
      world.provider.says = ({ messages }) =>
        messages.some(({ images = [] }) => images.length > 0)
          ? failing(new ProviderError("refused", "HTTP 400"))
          : chunks("An answer.");
      const before = world.provider.asked.length;
      const reply = await ask(world, "and now?");
      assert.equal(reply.outcome, "answered");
      assert.equal(world.provider.asked.length, before + 2);
      assert.match(JSON.stringify(world.provider.asked.at(-1)?.messages), /cat\.png/, "it is named");
      assert.equal((await ask(world, "and then?")).outcome, "answered");
      assert.equal(world.provider.asked.length, before + 3);
      // The question's own picture is never left out silently.
      assert.equal(failureOf(await ask(world, "", picture)), "refused");
    });

    it("and comes to its limit says so below its words, with how to go on; so does one that rules cut off", async () => {
      const world = new World(await open());
      world.provider.says = () => ending("length", "Half an ans");
      const reply = await ask(world, "hello");
      assert.equal(reply.outcome, "answered");
      assert.match(bodyOf(reply), /^Half an ans\n\nCut off at the limit.*▶/s);
      assert.equal(reply.messages[0]?.remembered, "Half an ans", "the note is none of its words");
      world.provider.says = () => ending("filtered", "Half an ans");
      assert.match(bodyOf(await ask(world, "hello")), /^Half an ans\n\nThe rules of “local”/s);
      world.provider.says = () => ending("stop", "All of it.");
      assert.equal(bodyOf(await ask(world, "hello")), "All of it.");
    });

    it("that takes back its words as thinking answers with the rest alone", async () => {
      const world = new World(await open());
      world.provider.says = async function* () {
        yield await Promise.resolve({ kind: "text", text: "Hm, a greeting." } as const);
        yield { kind: "recant" };
        yield { kind: "text", text: "Hello!" };
        yield { kind: "done", reason: "stop" };
      };
      const shown: string[] = [];
      const turn = await world.turn(await world.say("hi"));
      assert.ok(turn);
      const reply = await world.respond(turn, true, (text) => shown.push(text), NEVER);
      assert.equal(bodyOf(reply), "Hello!");
      assert.equal(shown.at(-1), "Hello!");
      assert.equal(reply.messages[0]?.remembered, "Hello!");
    });

    it("keeps the beginning of an answer that broke off, even where nothing of it was shown", async () => {
      const world = new World(await open());
      world.provider.says = () => failing(new ProviderError("cut_off", "gone"), "Half an ans");
      const turn = await world.turn(await world.say("hi"));
      assert.ok(turn);
      const reply = await world.respond(turn, true, UNSEEN, NEVER);
      const whole = await (await (await world.attempt(turn, true)).drafting()).whole(reply);
      assert.match(bodyOf(whole), /^Half an ans\n\n.*broke before Llama had finished/s);
      assert.equal(whole.messages[0]?.remembered, "Half an ans");
    });

    it("that refuses a prompt which can't be made shorter is not asked again", async () => {
      const world = new World(await open());
      world.provider.says = () => failing(new ParameterRefused(["think"]));
      assert.equal(failureOf(await ask(world, "hello")), "refused");
      assert.equal(world.provider.asked.length, 1);
    });
  });
});
