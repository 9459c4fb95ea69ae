import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EXCHANGE_FIELD } from "../../../src/matrix/exchange-mark.ts";
import { Bans } from "../../../src/permissions/bans.ts";
import { ProviderError } from "../../../src/providers/provider.ts";
import { parseContent } from "../../../src/matrix/received-content.ts";
import type { TurnReply } from "../../../src/turns/turn.ts";
import { TurnStore } from "../../../src/turns/turn-store.ts";
import {
  AGENT,
  ALICE,
  BOB,
  BOT,
  chunks,
  LLAMA,
  MODERATOR,
  NEVER,
  QWEN,
  ROOM,
  UNSEEN,
  World,
} from "../../support/conversation-world.ts";
import { sealsOf } from "../../support/seals.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { failureOf } from "../../support/turn-replies.ts";

const group = { direct: false, also: { "m.mentions": { user_ids: [LLAMA] } } };

forEachDatabase((_kind, open) => {
  /** Alice has an answer; then she is banned. */
  async function banned(): Promise<{ world: World; question: string; turns: number }> {
    const world = new World(await open());
    const question = await world.say("hello");
    await world.answered(question);
    world.access.bans = new Bans([{ kind: "user", entity: ALICE }]);
    return { world, question, turns: (await world.turns()).length };
  }

  describe("every way into a conversation", () => {
    it("asks for permission: messages, edits, commands, reactions, and overheard words", async () => {
      const { world, question, turns } = await banned();
      const before = await world.remembered();
      await world.say("and now?");
      const relation = { "m.relates_to": { rel_type: "m.replace", event_id: question } };
      await world.say("*", { also: { ...relation, "m.new_content": { msgtype: "m.text", body: "goodbye" } } });
      await world.say("!system obey me");
      await world.react("$answer", "🔁");
      await world.react("$answer", "✅");
      await world.say("!stop", { direct: false });
      await world.say("what a day", { direct: false });
      assert.deepEqual(
        world.refused.map(({ act, reason }) => [act, reason]),
        ["message", "edit", "command", "reaction", "reaction", "command"].map((act) => [act, "banned"]),
      );
      assert.ok(
        world.refused.every(({ ghost, userId, roomId }) => ghost === LLAMA && userId === ALICE && roomId === ROOM),
      );
      assert.equal((await world.turns()).length, turns, "nothing was asked");
      assert.deepEqual(await world.remembered(), before, "nothing was remembered or changed");
      assert.deepEqual(world.sent, [], "nothing was said");
      assert.equal(world.finished, 8, "all of it was settled");
    });

    it("asks before a bot's command, and before it says that a device is not trusted", async () => {
      const { world } = await banned();
      await world.say("help", { to: BOT });
      const message = {
        eventId: "$untrusted",
        roomId: ROOM,
        sender: ALICE,
        sentAt: 1,
        content: parseContent("m.room.message", { msgtype: "m.text", body: "hello" }),
        direct: true,
        isLatest: false,
        speaker: undefined,
        settings: { encrypted: false },
        encrypted: true,
        lateMs: 0,
        shield: undefined,
      };
      assert.equal(await world.conversation.notices.distrusted(world.ghost(), message, "unsigned_device"), undefined);
      assert.deepEqual(world.sent, []);
      assert.equal(world.refused.length, 2);
    });

    it("asks about the person who began an exchange before an agent asks another one", async () => {
      for (const [users, turns] of [
        [[ALICE], 2],
        [[BOB], 1],
      ] as const) {
        const world = new World(await open());
        world.access.permissions.agents.set("qwen", users);
        const question = await world.say("Llama, ask Qwen", group);
        const also = {
          "m.mentions": { user_ids: [QWEN] },
          [EXCHANGE_FIELD]: { origin: question, hops: 0 },
        };
        await world.say("Qwen, please", { to: QWEN, sender: LLAMA, direct: false, also });
        assert.equal((await world.turns()).length, turns);
      }
    });
  });

  describe("levels", () => {
    it("moderate every room, whatever the room says", async () => {
      const world = new World(await open());
      await world.say("!system one", { ...group, sender: BOB });
      assert.match(String(world.sent.at(-1)?.content["body"]), /Only moderators/);
      world.access.permissions.users.set(BOB, "moderator");
      await world.say("!system one", { ...group, sender: BOB });
      assert.match(String(world.sent.at(-1)?.content["body"]), /^Done/);
      const question = await world.say("hello", { ...group, sender: ALICE });
      await world.answered(question);
      await world.react("$answer", "🔁", BOB);
      assert.ok(await world.turn(question), "asked again by another person than the asker");
    });

    it("are needed to let the bot install models", async () => {
      const world = new World(await open());
      world.access.permissions.users.set(BOB, "moderator");
      await world.say("pull llama3.2:3b", { to: BOT, sender: BOB });
      assert.match(String(world.sent.at(-1)?.content["body"]), /admins/);
      assert.deepEqual(world.permissions.decide({ act: "administer", ghost: BOT, userId: MODERATOR, roomId: ROOM }), {
        allowed: true,
        level: "admin",
      });
    });

    it("count as they are now, not as they were", async () => {
      const world = new World(await open());
      await world.say("hello");
      world.access.access.users = [];
      await world.say("hello");
      assert.equal((await world.turns()).length, 1);
    });
  });

  /** Asks, and runs the turn to its end. */
  async function ask(world: World, sender: string, more: Parameters<World["say"]>[1] = {}): Promise<TurnReply> {
    const question = await world.say("hello", { ...more, sender });
    const turn = await world.turn(question);
    assert.ok(turn);
    const reply = await world.respond(turn, false, UNSEEN, NEVER);
    await new TurnStore(world.database, sealsOf(world.database)).finish(world.database, turn, reply);
    return reply;
  }

  const lastWords = (world: World): string => String(world.sent.at(-1)?.content["body"]);

  describe("a model that belongs to an agent", () => {
    async function withModels(): Promise<World> {
      const world = new World(await open());
      world.provider.installed = ["llama3.2:3b", "qwen2.5:7b", "mistral:latest", "Qwen2.5:7B"];
      world.access.permissions.agents.set("qwen", [BOB]);
      return world;
    }

    it("is chosen for another agent only by people who may use its own agent, however its name is written", async () => {
      const world = await withModels();
      for (const name of ["qwen2.5:7b", "Qwen2.5:7B", "`qwen2.5:7b`"]) {
        await world.say(`!model ${name}`);
        assert.match(lastWords(world), /belongs to an agent that you may not use/, name);
      }
      assert.deepEqual(world.refused.map(({ act, userId, ghost, reason }) => [act, userId, ghost, reason])[0], [
        "command",
        ALICE,
        QWEN,
        "not_this_agent",
      ]);
      await world.say("!model nothing");
      assert.match(lastWords(world), /It has: llama3\.2:3b, mistral:latest\.$/, "names that can be chosen");
      for (const name of ["llama3.2:3b", "mistral"]) {
        await world.say(`!model ${name}`);
        assert.match(lastWords(world), /^Done/, name);
      }
      await world.say("!model qwen2.5:7b", { sender: BOB });
      assert.match(lastWords(world), /^Done/);
    });

    it("answers only people who may use its agent, whoever has chosen it, by the permissions when the turn runs", async () => {
      const world = await withModels();
      await world.say("!model qwen2.5:7b", { sender: BOB });
      const reply = await ask(world, ALICE);
      assert.equal(failureOf(reply), "not_your_model");
      assert.match(
        String(reply.messages[0]?.content["body"]),
        /the model qwen2\.5:7b, .* you may not use\. @llama !model default/,
      );
      assert.equal(world.provider.asked.length, 0);
      assert.equal((await ask(world, BOB)).outcome, "answered");
      assert.equal(world.provider.asked.at(-1)?.model, "qwen2.5:7b");
      world.access.permissions.agents.delete("qwen");
      assert.equal((await ask(world, ALICE)).outcome, "answered");
      world.access.permissions.agents.set("qwen", []);
      assert.equal(failureOf(await ask(world, BOB)), "not_your_model");
      assert.equal(world.provider.asked.length, 2);
    });

    it("is restricted by its name, too, where no agent is named after it", async () => {
      const world = await withModels();
      world.access.permissions.agents.set("mistral*", [BOB]);
      await world.say("!model mistral");
      assert.match(lastWords(world), /belongs to an agent that you may not use/);
      await world.say("!model mistral", { sender: BOB });
      assert.match(lastWords(world), /^Done/);
    });

    it("is no fallback for people who may not use its agent", async () => {
      const world = await withModels();
      world.agent = { ...AGENT, fallback: "qwen" };
      world.provider.says = (request) => {
        if (request.model === AGENT.model) throw new ProviderError("unreachable", "away");
        return chunks("instead");
      };
      assert.equal(failureOf(await ask(world, ALICE)), "unreachable");
      assert.equal((await ask(world, BOB)).outcome, "answered");
    });
  });

  describe("an agent that somebody may not use", () => {
    it("takes part in none of their discussions", async () => {
      const world = new World(await open());
      world.access.permissions.agents.set("qwen", [BOB]);
      await world.say("!discuss qwen cheese", group);
      assert.equal(lastWords(world), "You may not use Qwen.");
      await world.say("!discuss nobody cheese", group);
      assert.doesNotMatch(lastWords(world), /qwen/);
      assert.deepEqual(await world.turns(), []);
      await world.say("!discuss qwen cheese", { ...group, sender: BOB });
      assert.equal((await world.turns()).length, 1);
    });

    it("is named to no model as an agent that may be asked for help", async () => {
      const world = new World(await open());
      world.access.permissions.agents.set("qwen", [BOB]);
      await world.say("!delegate on", { ...group, sender: MODERATOR });
      for (const [sender, isNamed] of [
        [ALICE, false],
        [BOB, true],
      ] as const) {
        await ask(world, sender, group);
        const prompt = JSON.stringify(world.provider.asked.at(-1)?.messages);
        assert.equal(prompt.includes("agent_qwen"), isNamed, sender);
      }
    });
  });

  describe("the model and the instruction of a room", () => {
    it("belong to the people whom the admin chose: the moderators, the admins, or nobody", async () => {
      for (const command of ["model", "system"] as const) {
        const world = new World(await open());
        world.provider.installed = ["mistral"];
        const { commands, users } = world.access.permissions;
        const set = async (sender: string, value = "mistral"): Promise<string> => {
          await world.say(`!${command} ${value}`, { ...group, sender });
          return lastWords(world);
        };
        users.set(BOB, "moderator");
        assert.match(await set(ALICE), /Only moderators/);
        assert.match(await set(BOB), /^Done/);

        commands[command] = "admins";
        for (const value of ["other", "default"])
          assert.match(await set(BOB, value), /Only the bridge's admins/, value);
        await world.say(`!${command} mistral`);
        assert.match(lastWords(world), /Only the bridge's admins/, "nor in a direct chat");
        await world.say("!reset", { ...group, sender: BOB });
        await world.say("!status", group);
        assert.match(lastWords(world), /mistral/, "an earlier setting stays, and they can't reset it");
        assert.match(await set(MODERATOR), /^Done/);

        commands[command] = "nobody";
        for (const value of ["mistral", "default", ""]) {
          assert.match(await set(MODERATOR, value), /has switched `?!\w+`? off/, value);
        }
        await world.say("!status", group);
        assert.doesNotMatch(lastWords(world), /mistral/, "the setting no longer counts");
        await world.say("!help", group);
        assert.ok(!lastWords(world).includes(`!${command}`));
        commands[command] = "admins";
        await world.say("!reset", { ...group, sender: MODERATOR });
        await world.say("!status", group);
        assert.doesNotMatch(lastWords(world), /mistral/);
      }
    });
  });

  describe("a room that has grown", () => {
    it("beyond the admin's limit is told so once, and no question from there is answered", async () => {
      const world = new World(await open());
      world.access.permissions.maxRoomMembers = 3;
      await world.say("hello", group);
      assert.equal((await world.turns()).length, 1);
      world.members = 4;
      await world.say("hello?", group);
      await world.say("hello?!", group);
      await world.say("nobody in particular", { direct: false });
      const notices = world.sent.filter(({ content }) => String(content["body"]).includes("at most 3 members"));
      assert.deepEqual(
        [...new Set(notices.map(({ step }) => step))],
        [`room too large ${ROOM}`],
        "sent under one step",
      );
      assert.equal(notices.length, world.sent.length, "and nothing else");
      assert.equal((await world.turns()).length, 1);
      assert.deepEqual(
        world.refused.map(({ act, reason }) => [act, reason]),
        [
          ["message", "room_too_large"],
          ["message", "room_too_large"],
        ],
      );
      world.members = 3;
      await world.say("and now?", group);
      assert.equal((await world.turns()).length, 2);
    });
  });
});
