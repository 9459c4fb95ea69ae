import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AddressTooLong, HomeserverUnreachable, MatrixError } from "../../../src/homeserver/errors.ts";
import {
  AGENT,
  ALICE,
  BOB,
  chunks,
  LLAMA,
  MODERATOR,
  NEVER,
  QWEN,
  ROOM,
  UNSEEN,
  World,
} from "../../support/conversation-world.ts";
import { forEachDatabase } from "../../support/databases.ts";

const MENTION = { "m.mentions": { user_ids: [LLAMA] } };
const VOICE = Buffer.from("OggS\0\x02\0\0\0\0\0\0\0\0OpusHead");

forEachDatabase((_kind, open) => {
  describe("a message without words or a file", () => {
    const kinds: [string, object, RegExp][] = [
      ["a sticker", { msgtype: "m.sticker", body: "a cat", url: "mxc://a/b" }, /stickers/],
      ["a place", { msgtype: "m.location", body: "Berlin", geo_uri: "geo:1,2" }, /places/],
      ["a poll", { msgtype: "org.matrix.msc3381.poll.start" }, /vote/],
      ["a poll of today", { msgtype: "m.poll.start" }, /vote/],
      ["a contact", { msgtype: "m.contact", body: "Carol" }, /kind of message/],
      ["a video without a place", { msgtype: "m.video", body: "cat.mp4" }, /kind of message/],
      ["an unknown kind", { msgtype: "com.example.dance" }, /kind of message/],
      ["a kind with a name from JavaScript", { msgtype: "constructor" }, /kind of message/],
    ];
    for (const [what, content, words] of kinds) {
      it(`gets a friendly reply in a direct chat, once: ${what}`, async () => {
        const world = new World(await open());
        await world.say("", { also: content });
        await world.say("", { also: content });
        assert.equal(world.finished, 2);
        const steps = new Set(world.sent.map(({ step }) => step));
        assert.equal(steps.size, 1);
        const [sent] = world.sent;
        assert.match(String(sent?.content["body"]), words);
        assert.match(String(sent?.content["body"]), /^Llama /);
        assert.equal(sent?.content["msgtype"], "m.notice");
        assert.deepEqual(await world.turns(), []);
      });

      it(`gets no reply in a group, nor from another agent: ${what}`, async () => {
        const world = new World(await open());
        await world.say("", { also: content, direct: false });
        await world.say("", { also: { ...content, ...MENTION }, direct: false });
        await world.say("", { also: content, sender: QWEN });
        assert.deepEqual(world.sent, []);
      });
    }

    it("gets no reply where nobody waits for one", async () => {
      const world = new World(await open());
      const edit = { "m.relates_to": { rel_type: "m.replace", event_id: "$x" } };
      for (const also of [
        { msgtype: "m.notice" },
        { msgtype: "m.server_notice" },
        { msgtype: "m.location", ...edit },
        { msgtype: "m.text" },
        { msgtype: "" },
        { msgtype: 5 },
        { msgtype: null },
      ])
        await world.say(" ", { also });
      await world.say("", { also: { msgtype: "m.location" }, sender: "@eve:elsewhere.org" });
      assert.deepEqual(world.sent, []);
    });

    it("can be a video, whose caption is then the question", async () => {
      const world = new World(await open());
      const video = { msgtype: "m.video", body: "cat.mp4", url: "mxc://a/b", info: { mimetype: "video/mp4" } };
      const turn = await world.turn(await world.say("cat.mp4", { also: video }));
      assert.ok(turn);
      const reply = await world.respond(turn, true, UNSEEN, NEVER);
      assert.match(String(reply.messages[0]?.content["body"]), /can't read this kind of file/);
    });
  });

  describe("an edit that calls an agent", () => {
    function edit(target: string, body: string, also: object = MENTION): object {
      const content = { msgtype: "m.text", body, ...also };
      return { ...also, "m.new_content": content, "m.relates_to": { rel_type: "m.replace", event_id: target } };
    }

    function original(world: World, eventId: string, relation?: object, sender = ALICE): void {
      const content = { msgtype: "m.text", body: "hello", "m.relates_to": relation };
      world.events.set(eventId, { sender, sentAt: 1, type: "m.room.message", content, encrypted: false });
    }

    it("asks it, as the edited message, where that message did not", async () => {
      const world = new World(await open());
      const said = await world.say("what is wool?", { direct: false });
      original(world, said);
      await world.say("* Llama: what is wool?", { direct: false, also: edit(said, "Llama: what is wool?") });
      const turn = await world.turn(said);
      assert.ok(turn, "no turn");
      await world.respond(turn, false, UNSEEN, NEVER);
      assert.match(world.provider.asked[0]?.messages.at(-1)?.content ?? "", /^Alice: what is wool\?$/);
      // Another edit is an edit of the question.
      await world.say("* Llama: and silk?", { direct: false, also: edit(said, "Llama: and silk?") });
      assert.equal((await world.turns()).length, 2);
      assert.deepEqual(await world.remembered(), ["Alice: and silk?"]);
    });

    it("takes its new words where the old ones were overheard, and keeps the thread and the reply of the old", async () => {
      const world = new World(await open());
      await world.say("!listen on", { direct: false, also: MENTION, sender: MODERATOR });
      const said = await world.say("before", { direct: false });
      original(world, said, { rel_type: "m.thread", event_id: "$root", "m.in_reply_to": { event_id: "$reply" } });
      await world.say("* after", { direct: false, also: edit(said, "after") });
      const found = await world.history.find(LLAMA, ROOM, [said]);
      assert.deepEqual(
        [...found.values()].map(({ body }) => body),
        ["after"],
      );
      const { rows } = await world.database.query("select thread_root from turns");
      assert.deepEqual(rows, [{ thread_root: "$root" }]);
    });

    it("asks about the message to which it replies, and in its thread, where it was overheard without these", async () => {
      const world = new World(await open());
      await world.say("!listen on", { direct: false, also: MENTION, sender: MODERATOR });
      const wool = { msgtype: "m.text", body: "Wool is warm" };
      for (const [eventId, sender] of [
        ["$bobs", BOB],
        ["$root", BOB],
      ] as const) {
        world.events.set(eventId, { sender, sentAt: 1, type: "m.room.message", content: wool, encrypted: false });
      }
      const reply = { "m.in_reply_to": { event_id: "$bobs" } };
      const inThread = { ...reply, rel_type: "m.thread", event_id: "$root", is_falling_back: false };
      for (const relation of [reply, inThread]) {
        const said = await world.say("is this so?", { direct: false, also: { "m.relates_to": relation } });
        original(world, said, relation);
        await world.say("* is this so?", { direct: false, also: edit(said, "is this so?") });
        const { rows } = await world.database.query(
          "select thread_root, replies_to from messages where event_id = $1",
          [said],
        );
        assert.deepEqual(rows, [{ thread_root: relation === reply ? null : "$root", replies_to: "$bobs" }]);
        const turn = await world.turn(said);
        assert.ok(turn, "no turn");
        await world.respond(turn, false, UNSEEN, NEVER);
        const { content } = world.provider.asked.at(-1)?.messages.at(-1) ?? {};
        assert.match(content ?? "", /Alice \(replying to Bob\): > Wool is warm\n {2}\n {2}is this so\?$/);
      }
    });

    it("asks about its file where it was overheard without the file", async () => {
      const world = new World(await open());
      await world.say("!listen on", { direct: false, also: MENTION, sender: MODERATOR });
      world.files.set("mxc://a/text", Buffer.from("Felt is wool"));
      const file = { msgtype: "m.file", body: "look", filename: "a.txt", url: "mxc://a/text" };
      const sent = await world.say("look", { direct: false, also: file });
      original(world, sent);
      await world.say("* look", { direct: false, also: edit(sent, "look", { ...MENTION, ...file }) });
      const turn = await world.turn(sent);
      assert.ok(turn, "no turn");
      await world.respond(turn, false, UNSEEN, NEVER);
      assert.match(world.provider.asked.at(-1)?.messages.at(-1)?.content ?? "", /Felt is wool/);
    });

    it("asks nothing where it edits another's message, names nobody, is a command, or may not ask", async () => {
      const world = new World(await open());
      original(world, "$bobs", undefined, BOB);
      original(world, "$mine");
      await world.say("* Llama: hi", { direct: false, also: edit("$bobs", "Llama: hi") });
      await world.say("* Llama: hi", { direct: false, also: edit("$unknown", "Llama: hi") });
      await world.say("* hi", { direct: false, also: edit("$mine", "hi", {}) });
      await world.say("* Llama: !help", { direct: false, also: edit("$mine", "Llama: !help") });
      await world.say("* Llama: hi", { direct: false, also: edit("\0", "Llama: hi") });
      original(world, "$eves", undefined, "@eve:elsewhere.org");
      await world.say("* hi", { direct: false, also: edit("$eves", "Llama: hi"), sender: "@eve:elsewhere.org" });
      assert.deepEqual(await world.turns(), []);
      assert.equal(world.finished, 6);
    });
  });

  describe("an edit of a message that can't be looked up", () => {
    const edit = (target: string): object => ({
      ...MENTION,
      "m.new_content": { msgtype: "m.text", body: "Llama: hi", ...MENTION },
      "m.relates_to": { rel_type: "m.replace", event_id: target },
    });

    it("asks nothing, and delays nobody", async () => {
      const world = new World(await open());
      for (const target of ["..", ".", "a".repeat(17_000), `$${"a".repeat(17_000)}`])
        await world.say("* Llama: hi", { direct: false, also: edit(target) });
      const answered = { errcode: "M_UNKNOWN", error: "", retryAfterMs: undefined };
      for (const failure of [
        new HomeserverUnreachable("GET x", "TIMEOUT", "no answer"),
        new MatrixError("GET x", { ...answered, status: 500 }),
        new AddressTooLong("GET x", 17_000),
      ]) {
        world.lookFails = failure;
        await world.say("* Llama: hi", { direct: false, also: edit("$edited") });
      }
      assert.equal(world.finished, 7);
      assert.deepEqual(await world.turns(), []);
    });

    it("waits for a homeserver that is away", async () => {
      const world = new World(await open());
      world.lookFails = new HomeserverUnreachable("GET x", "ECONNREFUSED", "away");
      const said = world.say("* Llama: hi", { direct: false, also: edit("$edited") });
      await assert.rejects(said, HomeserverUnreachable);
      assert.equal(world.finished, 0);
    });
  });

  describe("a voice message in a group", () => {
    function voice(world: World, says: string, more: object = {}): object {
      world.files.set("mxc://a/voice", VOICE);
      world.provider.hears = () => Promise.resolve(says);
      return {
        msgtype: "m.audio",
        body: "voice.ogg",
        url: "mxc://a/voice",
        info: { mimetype: "audio/ogg", duration: 4_000 },
        "org.matrix.msc3245.voice": {},
        ...more,
      };
    }

    it("is for the agent whose name it says", async () => {
      for (const says of ["Hey Llama, what is wool?", "what do you think, llama", "LLAMA! Wool?", "Ach, Llama..."]) {
        const world = new World(await open());
        const also = voice(world, says);
        const said = await world.say("voice.ogg", { direct: false, also });
        const turn = await world.turn(said);
        assert.ok(turn, says);
        await world.respond(turn, false, UNSEEN, NEVER);
        assert.equal(world.provider.asked[0]?.messages.at(-1)?.content, `Alice: ${says}`);
        // Another agent of the room gets it from the same transcription, once.
        await world.say("voice.ogg", { direct: false, also, eventId: said, to: QWEN });
        assert.equal(await world.turn(said, QWEN), undefined);
        assert.equal(world.provider.recordings.length, 1);
      }
    });

    it("is otherwise for nobody, and nothing of it is kept", async () => {
      for (const says of ["What is wool?", "Llamas are animals", "the llamanator", "", " "]) {
        const world = new World(await open());
        await world.say("voice.ogg", { direct: false, also: voice(world, says) });
        assert.deepEqual(await world.turns(), [], says);
        assert.deepEqual(await world.remembered(), []);
        assert.equal(world.finished, 1);
      }
    });

    it("is transcribed only where it is short, and the transcription runs here", async () => {
      const none = async (change: (world: World) => object): Promise<void> => {
        const world = new World(await open());
        const also = change(world);
        await world.say("voice.ogg", { direct: false, also });
        assert.deepEqual(await world.turns(), []);
        assert.deepEqual([world.provider.recordings.length, world.finished], [0, 1]);
      };
      await none((world) => {
        const { "org.matrix.msc3245.voice": flag, ...music } = voice(world, "Llama") as Record<string, unknown>;
        assert.ok(flag);
        return music;
      });
      await none((world) => voice(world, "Llama", { info: { mimetype: "audio/ogg", duration: 600_000 } }));
      await none((world) => voice(world, "Llama", { info: { mimetype: "audio/ogg", size: 90_000_000 } }));
      await none((world) => {
        Object.assign(world.policy, { cloud: "allow", encrypted: "allow" });
        world.provider.locality = "cloud";
        return voice(world, "Llama");
      });
      await none((world) => {
        const also = voice(world, "Llama");
        world.files.set("mxc://a/voice", Buffer.from("<!DOCTYPE html>"));
        return also;
      });
      await none((world) => {
        const also = voice(world, "Llama");
        world.files.clear();
        return also;
      });
    });

    it("delays nobody where the transcription is away, or slow", async () => {
      const world = new World(await open());
      const also = voice(world, "");
      world.provider.hears = () => Promise.reject(new Error("broken"));
      await assert.rejects(world.say("voice.ogg", { direct: false, also }), /broken/);
      const slow = new World(await open());
      const heard = voice(slow, "");
      slow.provider.hears = () => new Promise(() => undefined);
      const begun = performance.now();
      for (let index = 0; index < 5; index++) await slow.say("voice.ogg", { direct: false, also: heard });
      assert.ok(performance.now() - begun < 5_000);
      assert.equal(slow.finished, 5);
      slow.provider.says = () => chunks("fine");
      assert.ok(await slow.turn(await slow.say("hello", { direct: false, also: MENTION })));
    });

    it("delays nobody where its file does not come, for whatever reason", async () => {
      const world = new World(await open());
      for (const code of ["TIMEOUT", "ECONNREFUSED", "UND_ERR_SOCKET"]) {
        const also = voice(world, "Llama, hello");
        const gone = Promise.reject(new HomeserverUnreachable("GET x", code, "no answer"));
        gone.catch(() => undefined);
        world.files.set("mxc://a/voice", gone);
        await world.say("voice.ogg", { direct: false, also });
      }
      assert.equal(world.finished, 3);
      assert.deepEqual(await world.turns(), []);
    });

    it("is not fetched where its sender may not ask there, and nobody is told of a refusal", async () => {
      const world = new World(await open());
      Object.assign(world.access.permissions, { maxRoomMembers: 2 });
      await world.say("voice.ogg", { direct: false, also: voice(world, "Llama, hello") });
      assert.deepEqual([world.downloads, world.refused, world.sent], [[], [], []]);
      assert.equal(world.finished, 1);
    });

    it("of somebody who may not use the agent asks nothing", async () => {
      const world = new World(await open());
      world.access.permissions.agents.set("llama", [BOB]);
      assert.equal(AGENT.name, "llama");
      await world.say("voice.ogg", { direct: false, also: voice(world, "Llama, hello") });
      assert.deepEqual(await world.turns(), []);
      assert.equal(world.provider.recordings.length, 0);
    });
  });
});
