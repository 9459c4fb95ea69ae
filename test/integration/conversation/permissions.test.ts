import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EXCHANGE_FIELD } from "../../../src/conversation/exchange-mark.ts";
import { Bans } from "../../../src/policy/bans.ts";
import { ALICE, BOB, BOT, LLAMA, MODERATOR, QWEN, ROOM, World } from "../../support/conversation-world.ts";
import { forEachDatabase } from "../../support/databases.ts";

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
    it("asks whether one may: messages, edits, commands, reactions, and what is overheard", async () => {
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
        content: { msgtype: "m.text", body: "hello" },
        direct: true,
        encrypted: true,
        lateMs: 0,
        shield: undefined,
      };
      assert.equal(await world.conversation.distrusted(world.ghost(), message, "unsigned_device"), undefined);
      assert.deepEqual(world.sent, []);
      assert.equal(world.refused.length, 2);
    });

    it("asks for who began an exchange before an agent asks another one", async () => {
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
      assert.ok(await world.turn(question), "asked again by who did not ask");
    });

    it("are needed to have models installed", async () => {
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

  describe("a room that has grown", () => {
    it("beyond what the admin allows hears so once, and nothing is asked from there", async () => {
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
