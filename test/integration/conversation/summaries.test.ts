import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AGENT,
  ALICE,
  assertNowhere,
  chunks,
  LLAMA,
  NEVER,
  ROOM,
  UNSEEN,
  World,
} from "../../support/conversation-world.ts";
import { eventually } from "../../support/eventually.ts";
import { forEachDatabase } from "../../support/databases.ts";

/** 200 estimated tokens and more. */
const LONG = "word ".repeat(120);

const isSummary = (content = ""): boolean => content.startsWith("Sum up the conversation");

/** An agent with a small window, which sums up in a fixed way. */
async function talking(open: () => Promise<World["database"]>): Promise<World> {
  const world = new World(await open());
  world.agent = { ...AGENT, contextTokens: 1_024 };
  world.provider.says = ({ messages }) => chunks(isSummary(messages[0]?.content) ? "They spoke of cats." : "Indeed.");
  return world;
}

/** A question with its answer, and the end of the turn. */
async function talk(world: World, text: string): Promise<string> {
  const eventId = await world.say(text);
  const turn = await world.turn(eventId);
  assert.ok(turn);
  const { answering } = world.conversation;
  await answering.respond(turn, true, UNSEEN, NEVER);
  await world.answered(eventId, { answers: [`${eventId} answered`] });
  await answering.ended(turn, { outcome: "answered", messages: [] });
  return eventId;
}

async function summary(world: World): Promise<{ upTo: number; body: string } | undefined> {
  return world.summaries.get({ ghost: LLAMA, roomId: ROOM, threadRoot: undefined });
}

async function summed(world: World): Promise<{ upTo: number; body: string }> {
  return eventually("a summary", () => summary(world));
}

forEachDatabase((_kind, open) => {
  describe("a conversation that has become too long", () => {
    it("is summed up by its model, and goes on with the summary in the place of what is old", async () => {
      const world = await talking(open);
      await talk(world, `I have a cat called Mia. ${LONG}`);
      assert.equal(await summary(world), undefined, "not while all of it fits");
      for (let i = 0; i < 4; i++) await talk(world, `${i} ${LONG}`);
      const { body } = await summed(world);
      assert.equal(body, "They spoke of cats.");
      const asked = world.provider.asked.find(({ messages }) => isSummary(messages[0]?.content));
      assert.match(asked?.messages[1]?.content ?? "", /Alice: I have a cat called Mia\.[\s\S]*You: an answer/);
      assert.equal(asked?.model, AGENT.model);

      await talk(world, "What is she called?");
      const prompts = world.provider.asked.filter(({ messages }) => !isSummary(messages[0]?.content));
      const prompt = JSON.stringify(prompts.at(-1)?.messages);
      assert.match(prompt, /summed up: They spoke of cats\./);
      assert.doesNotMatch(prompt, /Mia/);
      assert.match(prompt, /What is she called/);
      await world.summaries.stop();
    });

    it("is summed up anew when something in it is deleted or edited, of which no trace stays", async () => {
      for (const change of ["deleted", "edited"] as const) {
        const world = await talking(open);
        world.provider.says = ({ messages }) =>
          chunks(isSummary(messages[0]?.content) ? `Summary of: ${messages[1]?.content ?? ""}` : "Indeed.");
        const secret = await talk(world, `The password is swordfish. ${LONG}`);
        for (let i = 0; i < 4; i++) await talk(world, `${i} ${LONG}`);
        assert.match((await summed(world)).body, /swordfish/);
        if (change === "deleted") {
          await world.conversation.redacted(world.ghost(), { roomId: ROOM, target: secret }, world.settle);
        } else {
          const content = { msgtype: "m.text", body: "The password is a secret." };
          const relation = { "m.relates_to": { rel_type: "m.replace", event_id: secret } };
          await world.say("* edited", { also: { "m.new_content": content, ...relation } });
          await world.answered(secret, { answers: [] });
        }
        await assertNowhere(world.database, /swordfish/);
        await talk(world, LONG);
        assert.doesNotMatch((await summed(world)).body, /swordfish/);
        await world.summaries.stop();
      }
    });

    it("is not summed up with what was deleted while the model did so", async () => {
      const world = await talking(open);
      const begun = Promise.withResolvers<undefined>();
      const goOn = Promise.withResolvers<undefined>();
      world.provider.says = async function* ({ messages }) {
        if (!isSummary(messages[0]?.content)) {
          yield* chunks("Indeed.");
          return;
        }
        begun.resolve(undefined);
        await goOn.promise;
        yield* chunks(`Summary of: ${messages[1]?.content ?? ""}`);
      };
      const secret = await talk(world, `The password is swordfish. ${LONG}`);
      for (let i = 0; i < 4; i++) await talk(world, `${i} ${LONG}`);
      await begun.promise;
      await world.conversation.redacted(world.ghost(), { roomId: ROOM, target: secret }, world.settle);
      goOn.resolve(undefined);
      await talk(world, LONG);
      await summed(world);
      await assertNowhere(world.database, /swordfish/);
      await world.summaries.stop();
    });

    it("leaves no summary behind that was being made when all was forgotten", async () => {
      const world = await talking(open);
      const goOn = Promise.withResolvers<undefined>();
      const begun = Promise.withResolvers<undefined>();
      world.provider.says = async function* ({ messages }) {
        if (!isSummary(messages[0]?.content)) {
          yield* chunks("Indeed.");
          return;
        }
        begun.resolve(undefined);
        await goOn.promise;
        yield* chunks(`Summary of: ${messages[1]?.content ?? ""}`);
      };
      for (let i = 0; i < 5; i++) await talk(world, `swordfish ${i} ${LONG}`);
      await begun.promise;
      await world.say("!forget");
      goOn.resolve(undefined);
      await world.summaries.settled();
      await assertNowhere(world.database, /swordfish/);
    });

    it("is not summed up where nobody wants it, and forgotten with all else", async () => {
      const world = await talking(open);
      for (let i = 0; i < 5; i++) await talk(world, `${i} ${LONG}`);
      await summed(world);
      await world.say("!forget");
      assert.equal(await summary(world), undefined);
      await world.say("!summaries off");
      for (let i = 0; i < 5; i++) await talk(world, `${i} ${LONG}`);
      const before = world.provider.asked.length;
      await talk(world, "hello");
      assert.equal(world.provider.asked.length, before + 1);
      assert.equal(await summary(world), undefined);
      await world.summaries.stop();
    });

    it("keeps its old part when the model fails, and sums up after another answer", async () => {
      const world = await talking(open);
      const { says } = world.provider;
      world.provider.says = (request) => (isSummary(request.messages[0]?.content) ? chunks("  ") : says(request));
      for (let i = 0; i < 5; i++) await talk(world, `${i} ${LONG}`);
      const isAsked = (): boolean => world.provider.asked.some(({ messages }) => isSummary(messages[0]?.content));
      await eventually("the model to be asked for a summary", isAsked);
      await world.summaries.settled();
      assert.equal(await summary(world), undefined);
      world.provider.says = says;
      await talk(world, "hello");
      assert.equal((await summed(world)).body, "They spoke of cats.");
      assert.ok((await world.history.lastWords(LLAMA, ROOM, 100)).length >= 6, ALICE);
      await world.summaries.stop();
    });
  });
});
