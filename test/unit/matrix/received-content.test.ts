import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileOf, parseContent, type ReceivedContent } from "../../../src/matrix/received-content.ts";

const FILE = { msgtype: "m.file", body: "a.txt", url: "mxc://a.b/c" };
const LONG = "a".repeat(200_000);

function message(content: Record<string, unknown>): ReceivedContent {
  return parseContent("m.room.message", content);
}

describe("the content of an event", () => {
  it("has exactly one kind", () => {
    const kinds: [string, Record<string, unknown>, ReceivedContent["kind"]][] = [
      ["m.room.message", { msgtype: "m.text", body: "hi" }, "text"],
      ["m.room.message", { msgtype: "m.emote", body: "waves" }, "emote"],
      ["m.room.message", { msgtype: "m.notice", body: "built" }, "notice"],
      ["m.room.message", { msgtype: "m.server_notice", body: "full" }, "server_notice"],
      ["m.room.message", FILE, "file"],
      ["m.room.message", { ...FILE, msgtype: "m.image" }, "file"],
      ["m.room.message", { ...FILE, msgtype: "m.audio" }, "file"],
      ["m.room.message", { ...FILE, msgtype: "m.video" }, "file"],
      ["m.room.message", { msgtype: "m.file", body: "nowhere" }, "unknown"],
      ["m.room.message", { msgtype: "m.location", geo_uri: "geo:1,2" }, "location"],
      ["m.room.message", { msgtype: "m.key.verification.request", to: "@a:b" }, "verification_request"],
      ["m.room.message", { msgtype: "com.example.dance" }, "unknown"],
      ["m.room.message", {}, "unknown"],
      ["m.sticker", { body: "a cat" }, "sticker"],
      ["m.poll.start", {}, "poll"],
      ["org.matrix.msc3381.poll.start", {}, "poll"],
      ["m.reaction", { "m.relates_to": { rel_type: "m.annotation", event_id: "$e", key: "👍" } }, "reaction"],
      ["m.reaction", { "m.relates_to": { rel_type: "m.annotation", event_id: "$e" } }, "no_message"],
      ["m.room.redaction", { redacts: "$e" }, "redaction"],
      ["m.call.invite", { msgtype: "m.text", body: "hi" }, "no_message"],
      ["constructor", { msgtype: "m.text", body: "hi" }, "no_message"],
    ];
    for (const [type, content, kind] of kinds) assert.equal(parseContent(type, content).kind, kind, type);
  });

  it("keeps the words as they were sent, and separates a file's caption from its name", () => {
    const said = message({ msgtype: "m.text", body: "> <@a:b> x\n\nhi ", formatted_body: "<b>hi</b>" });
    assert.deepEqual([said.body, said.html], ["> <@a:b> x\n\nhi ", "<b>hi</b>"]);
    assert.equal(message({ msgtype: "m.text", body: " \n" }).body, undefined);
    const file = message({ ...FILE, body: "look", filename: "a.txt", "m.voice": {} });
    assert.ok(file.kind === "file");
    assert.deepEqual([file.caption, file.isVoice, fileOf(file)?.name], ["look", true, "a.txt"]);
    assert.equal(fileOf(said), undefined);
  });

  it("names the people it mentions, and says whether it has a list of them at all", () => {
    const { mentions } = message({ "m.mentions": { user_ids: ["@a:b", 7, null, LONG], room: true } });
    assert.deepEqual([mentions.isGiven, mentions.userIds[0], mentions.userIds.length], [true, "@a:b", 2]);
    assert.equal(mentions.room, true);
    for (const none of [undefined, null, 7, "x", []]) {
      assert.deepEqual(message({ "m.mentions": none }).mentions, { isGiven: false, userIds: [], room: false });
    }
  });

  it("of an edit is the new content, which itself is no edit", () => {
    const relation = { rel_type: "m.replace", event_id: "$first" };
    const anew = { ...FILE, "m.relates_to": relation, "m.new_content": { msgtype: "m.text", body: "deeper" } };
    const { edit, kind } = message({ msgtype: "m.text", body: "* a", "m.relates_to": relation, "m.new_content": anew });
    assert.deepEqual([kind, edit?.target, edit?.said.kind, edit?.said.edit], ["text", "$first", "file", undefined]);
    for (const none of [undefined, null, 7, "x", ["a"]]) {
      const { edit: odd } = message({ "m.relates_to": { ...relation, event_id: none }, "m.new_content": none });
      assert.deepEqual([odd?.target, odd?.said.kind, odd?.said.body], [undefined, "unknown", undefined]);
    }
  });

  it("has no field of a wrong type, and none that all objects inherit", () => {
    const values: unknown[] = [
      undefined,
      null,
      7,
      true,
      [],
      [[]],
      {},
      { constructor: 1 },
      "constructor",
      "__proto__",
      "toString",
    ];
    const fields = [
      ...["msgtype", "body", "formatted_body", "filename", "url", "file", "info", "geo_uri", "to", "redacts", "m.poll"],
      ...["m.mentions", "m.relates_to", "m.new_content", "org.matrix.msc4391.command"],
      "io.github.matrix-appservice-agents.exchange",
    ];
    for (const type of ["m.room.message", "m.sticker", "m.poll.start", "m.reaction", "m.room.redaction", "__proto__"]) {
      for (const value of values) {
        const content = Object.fromEntries(fields.map((field) => [field, value]));
        const { body = "", html = "", mentions, command, edit } = parseContent(type, content);
        assert.deepEqual([typeof body, typeof html, mentions.userIds], ["string", "string", []]);
        assert.deepEqual([command, edit], [undefined, undefined]);
      }
    }
    const plain = message(JSON.parse('{"__proto__":{"msgtype":"m.text","body":"hi"}}') as Record<string, unknown>);
    assert.deepEqual([plain.kind, plain.body], ["unknown", undefined]);
    assert.deepEqual([plain.isDraft, plain.exchange], [false, undefined]);
  });

  it("is bounded in each text and list", () => {
    const many = Array.from({ length: 20_000 }, (_, index) => `@a${index}:b`);
    const values = Object.fromEntries(many.map((key) => [key, LONG]));
    const { body, html, mentions, command } = message({
      ...{ msgtype: "m.text", body: LONG, formatted_body: LONG, "m.mentions": { user_ids: [...many, LONG] } },
      "org.matrix.msc4391.command": { command: LONG, arguments: values },
    });
    assert.deepEqual([body?.length, html?.length, mentions.userIds.length], [131_072, 131_072, 5_000]);
    assert.deepEqual([command?.name.length, command?.values.size], [256, 100]);
    const sticker = parseContent("m.sticker", { body: `${"a".repeat(499)}😀` });
    assert.ok(sticker.kind === "sticker");
    assert.deepEqual([sticker.description.length, sticker.description.isWellFormed()], [500, true]);
    const answers = many.map((text) => ({ body: text }));
    const poll = parseContent("m.poll.start", { "m.poll": { question: { body: LONG }, answers } });
    assert.ok(poll.kind === "poll");
    assert.deepEqual([poll.question?.length, poll.answers.length], [500, 20]);
    const annotation = { rel_type: "m.annotation", event_id: "$e", key: LONG };
    const reaction = parseContent("m.reaction", { "m.relates_to": annotation });
    assert.ok(reaction.kind === "reaction");
    assert.equal(reaction.key.length, 256);
  });
});

describe("the relation of an event", () => {
  it("is ignored where it names no valid event id", () => {
    for (const id of ["", "event", "$a\0", "$\ud800", `$${"a".repeat(255)}`, 7, null, {}, "constructor"]) {
      const relation = { rel_type: "m.thread", event_id: id, "m.in_reply_to": { event_id: id } };
      const { threadRoot, repliesTo } = message({ "m.relates_to": relation }).relation;
      assert.deepEqual([threadRoot, repliesTo], [undefined, undefined]);
    }
  });
});
