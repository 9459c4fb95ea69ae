import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TurnReply } from "../../../src/turns/turn.ts";
import { TurnStore } from "../../../src/turns/turn-store.ts";
import { AGENT, chunks, LLAMA, MODERATOR, NEVER, ROOM, UNSEEN, World } from "../../support/conversation-world.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { sealsOf } from "../../support/seals.ts";
import { failureOf } from "../../support/turn-replies.ts";

const group = { direct: false, also: { "m.mentions": { user_ids: [LLAMA] } } };

/** Runs the turn of a question, as a room sees it. */
async function answered(world: World, question: string, ghost = LLAMA): Promise<TurnReply> {
  const turn = await world.turn(question, ghost);
  assert.ok(turn, "no turn");
  const reply = await world.respond(turn, false, UNSEEN, NEVER);
  const store = new TurnStore(world.database, sealsOf(world.database));
  for (const [index, { remembered }] of reply.messages.entries()) {
    if (remembered === undefined) continue;
    await world.remember(turn, `${question} answer ${index}`, remembered);
  }
  await store.finish(world.database, turn, reply);
  return reply;
}

/** Whether the question's messages go only encrypted, as the sender sees it. */
async function goesEncrypted(world: World, question: string): Promise<unknown> {
  const { rows } = await world.database.query("select came_encrypted from turns where event_id = $1", [question]);
  return rows[0]?.["came_encrypted"];
}

/**
 * The ways in which a turn gets encrypted words; each sends them encrypted, and returns a question that came
 * unencrypted.
 */
const WAYS: Readonly<Record<string, (world: World) => Promise<string>>> = {
  "the question": (world) => world.say("the secret", { ...group, encrypted: true }),
  "a message before it": async (world) => {
    await answered(world, await world.say("the secret", { ...group, encrypted: true }));
    return world.say("what did I say?", { ...group, encrypted: false });
  },
  "an answer before it": async (world) => {
    const secret = await world.say("the secret", { ...group, encrypted: true });
    await answered(world, secret);
    await world.database.query("delete from messages where event_id = $1", [secret]);
    return world.say("what did you say?", { ...group, encrypted: false });
  },
  "an overheard message": async (world) => {
    await world.say("!listen on", { ...group, sender: MODERATOR, encrypted: false });
    await world.say("among us", { direct: false, encrypted: true });
    return world.say("what did we say?", { ...group, encrypted: false });
  },
  "a message that came too late for an answer": async (world) => {
    await world.say("late", { ...group, encrypted: true, lateMs: 61_000 });
    return world.say("what did I say?", { ...group, encrypted: false });
  },
  "an edit of an unencrypted message": async (world) => {
    const first = await world.say("harmless", { ...group, encrypted: false });
    await answered(world, first);
    const replaced = { "m.new_content": { msgtype: "m.text", body: "the secret" } };
    const relation = { "m.relates_to": { rel_type: "m.replace", event_id: first } };
    await world.say("* the secret", { ...group, encrypted: true, also: { ...replaced, ...relation } });
    await answered(world, first);
    return world.say("what did I say?", { ...group, encrypted: false });
  },
  "a summary": async (world) => {
    const secret = await world.say("the secret", { ...group, encrypted: true });
    await answered(world, secret);
    await world.database.query("delete from messages");
    const summaries = (body: string): Promise<unknown> =>
      world.database.transaction(async (tx) => {
        const key = await sealsOf(world.database).in(tx, { ghost: LLAMA, roomId: ROOM });
        const place = ["summaries.body", LLAMA, ROOM, ""];
        return tx.query(
          `insert into summaries (ghost, room_id, thread_root, up_to, body, sealed_by, came_encrypted)
           values ($1, $2, '', 0, $3, $4, true)`,
          [LLAMA, ROOM, key.seal(body, ...place), key.id],
        );
      });
    await summaries("They spoke of the secret.");
    return world.say("and now?", { ...group, encrypted: false });
  },
  "a system prompt": async (world) => {
    await world.say("!system Speak of the secret", { ...group, sender: MODERATOR, encrypted: true });
    return world.say("and now?", { ...group, encrypted: false });
  },
  "a remembered text": async (world) => {
    await world.say("!remember the secret", { ...group, sender: MODERATOR, encrypted: true });
    return world.say("and now?", { ...group, encrypted: false });
  },
  "a discussion's topic": (world) => world.say("!discuss Qwen the secret", { ...group, encrypted: true }),
};

forEachDatabase((kind, open) => {
  describe("a message that came encrypted", () => {
    // The ways differ in the messages, not in the database.
    for (const [way, ask] of Object.entries(kind === "postgres" ? WAYS : {})) {
      it(`goes with a turn by ${way}: to no cloud, and to nobody unencrypted, whatever the room's state says`, async () => {
        const world = new World(await open());
        world.encrypted = true;
        const question = await ask(world);
        const asked = world.provider.asked.length;
        // From here on, the homeserver says that the room is unencrypted, and the provider is a cloud one.
        world.encrypted = false;
        const turn = await world.turn(question);
        assert.ok(turn);
        const inClear = await world.respond(turn, false, UNSEEN, NEVER);
        assert.equal(failureOf(inClear), "in_clear");
        assert.deepEqual(
          inClear.messages.map(({ isFixed, remembered }) => ({ isFixed, remembered })),
          [{ isFixed: true, remembered: undefined }],
        );
        assert.match(String(inClear.messages[0]?.content["body"]), /came encrypted.*!forget/);
        assert.equal(await goesEncrypted(world, question), true);
        // The gate alone: where the conversation still believes that the room is encrypted.
        world.encrypted = true;
        world.gateSees = false;
        world.policy.cloud = "allow";
        Object.assign(world.provider, { host: "api.cloud.example", locality: "cloud", relay: undefined });
        world.agent = { ...AGENT, locality: "cloud" };
        assert.equal(failureOf(await answered(world, question)), "cloud_denied");
        assert.equal(world.provider.asked.length, asked);
      });
    }

    it("marks the answer that is made from it, and no other", async () => {
      const world = new World(await open());
      const clear = await world.say("hello", group);
      assert.equal((await answered(world, clear)).outcome, "answered");
      assert.equal(await goesEncrypted(world, clear), false);
      world.encrypted = true;
      const secret = await world.say("the secret", group);
      assert.equal((await answered(world, secret)).outcome, "answered");
      const { rows } = await world.database.query("select event_id, came_encrypted from messages order by position");
      assert.deepEqual(
        rows.map(({ event_id, came_encrypted }) => [event_id, came_encrypted]),
        [
          [clear, false],
          [`${clear} answer 0`, false],
          [secret, true],
          [`${secret} answer 0`, true],
        ],
      );
    });

    it("is asked again as an encrypted one", async () => {
      const world = new World(await open());
      world.encrypted = true;
      const secret = await world.say("the secret", group);
      await answered(world, secret);
      await world.react(secret, "🔁");
      assert.deepEqual([(await world.turn(secret))?.kind, (await world.turn(secret))?.encrypted], ["again", true]);
    });

    it("is summed up by no cloud model, and the summary is marked", async () => {
      const world = new World(await open());
      world.encrypted = true;
      for (let count = 0; count < 10; count++) {
        await answered(world, await world.say(`the secret ${count} ${"word ".repeat(400)}`, group));
      }
      world.gateSees = false;
      world.policy.cloud = "allow";
      Object.assign(world.provider, { host: "api.cloud.example", locality: "cloud", relay: undefined });
      world.agent = { ...AGENT, locality: "cloud" };
      const asked = world.provider.asked.length;
      const question = await world.say("one more", group);
      const turn = await world.turn(question);
      assert.ok(turn);
      await world.answering.ended(turn, { outcome: "answered", messages: [] });
      await world.summaries.settled();
      assert.equal(world.provider.asked.length, asked, "nothing went there");
      assert.deepEqual((await world.database.query("select * from summaries")).rows, []);
      Object.assign(world.provider, { host: "127.0.0.1", locality: "local" });
      world.provider.says = () => chunks("They spoke of the secret.");
      await world.answering.ended(turn, { outcome: "answered", messages: [] });
      await world.summaries.settled();
      const { rows } = await world.database.query("select came_encrypted from summaries");
      assert.deepEqual(rows, [{ came_encrypted: true }]);
    });

    it("that is a recording is transcribed by no cloud", async () => {
      const world = new World(await open());
      world.encrypted = true;
      world.provider.hears = () => Promise.resolve("the secret");
      world.files.set("mxc://a.b/voice", Buffer.from("OggS, and what was said in it"));
      const also = { msgtype: "m.audio", body: "voice.ogg", url: "mxc://a.b/voice", info: { mimetype: "audio/ogg" } };
      const question = await world.say("voice.ogg", { direct: true, also });
      // The model runs here, and the transcription is one that the server passes on.
      world.provider.facts = (model) =>
        Promise.resolve({ sees: false, ...(model === "whisper-1" ? { remoteHost: "api.cloud.example" } : {}) });
      world.gateSees = false;
      world.policy.cloud = "allow";
      assert.equal(failureOf(await answered(world, question)), "cant_hear");
      assert.equal(world.provider.recordings.length, 0);
    });

    it("gets an encrypted picture", async () => {
      const world = new World(await open());
      world.agent = { ...AGENT, makes: "pictures" };
      world.encrypted = true;
      await answered(world, await world.say("a secret cheese", group));
      assert.deepEqual(
        world.uploaded.map(({ form }) => form),
        ["encrypted"],
      );
    });

    it("is shown unencrypted by no command, and commands that came encrypted get encrypted replies", async () => {
      const world = new World(await open());
      const moderator = { ...group, sender: MODERATOR };
      await world.say("!remember the secret", { ...moderator, encrypted: true });
      await world.say("!help", { ...group, encrypted: true });
      await world.say("!pull", { ...group, encrypted: true, to: "@agents:example.test", direct: true });
      assert.deepEqual(new Set(world.sent.map(({ form }) => form)), new Set(["encrypted"]));
      for (const command of ["!status", "!remember"]) {
        world.encrypted = true;
        await world.say(command, { ...moderator, encrypted: false });
        const shown = world.sent.at(-1);
        assert.match(JSON.stringify(shown?.content), /the secret/);
        assert.equal(shown?.form, "encrypted");
        world.encrypted = false;
        await world.say(command, { ...moderator, encrypted: false });
        const hidden = world.sent.at(-1);
        assert.match(JSON.stringify(hidden?.content), /came encrypted/);
        assert.doesNotMatch(JSON.stringify(hidden?.content), /the secret/);
        assert.equal(hidden?.form, "of_room");
      }
      await world.say("!help", { ...group, encrypted: false });
      assert.equal(world.sent.at(-1)?.form, "of_room");
      await world.say("!remember", { ...moderator, also: {}, encrypted: false });
    });

    it("lets nobody agree by a reaction, where the room's state says that it is not encrypted", async () => {
      const world = new World(await open());
      world.encrypted = true;
      world.policy.rooms.set(ROOM, "ask");
      Object.assign(world.provider, { host: "api.cloud.example", locality: "cloud", relay: undefined });
      world.agent = { ...AGENT, locality: "cloud" };
      const question = await world.say("the secret", group);
      assert.equal(failureOf(await answered(world, question)), "needs_consent");
      world.sentAs.set(`${question} answer.0`, "$asking");
      world.encrypted = false;
      await world.react("$asking", "✅", MODERATOR);
      assert.deepEqual((await world.database.query("select * from consents")).rows, []);
    });
  });
});
