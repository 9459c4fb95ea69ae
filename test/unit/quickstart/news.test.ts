import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EXCHANGE_FIELD } from "../../../src/matrix/exchange-mark.ts";
import {
  answerContent,
  draftContent,
  editContent,
  noticeContent,
  pictureContent,
} from "../../../src/answering/reply.ts";
import { newsOf, type Message, type TimelineEvent } from "../../../quickstart/news.ts";

const TARGET = { eventId: "$q", threadRoot: undefined };
const ADDRESS = { mentions: ["@p:l"], mark: { origin: "$q", hops: 0 } };

function event(content: Readonly<Record<string, unknown>>, fields: Partial<TimelineEvent> = {}): TimelineEvent {
  const relation = content["m.relates_to"];
  return { id: "$e", type: "m.room.message", content, relation, redacts: undefined, ...fields };
}

function messageOf(content: Readonly<Record<string, unknown>>, fields?: Partial<TimelineEvent>): Message | undefined {
  const news = newsOf(event(content, fields), 7);
  return news?.kind === "message" ? news.message : undefined;
}

describe("the kind of an event for the screen", () => {
  const whole = { id: "$e", formId: "$e", order: 7, isEdit: false, isDraft: false, isNotice: false, question: "$q" };

  it("is an answer, a draft, a notice, or another form of these", () => {
    assert.deepEqual(messageOf(answerContent("hello", TARGET, ADDRESS)), { ...whole, text: "hello" });
    assert.deepEqual(messageOf(draftContent("he", TARGET, ADDRESS)), { ...whole, text: "he", isDraft: true });
    assert.deepEqual(messageOf(noticeContent("no", TARGET)), { ...whole, text: "no", isNotice: true });
    assert.deepEqual(messageOf(noticeContent("hi")), { ...whole, text: "hi", isNotice: true, question: undefined });
    const edit = { ...whole, id: "$a", isEdit: true };
    assert.deepEqual(messageOf(editContent("$a", draftContent("hell", TARGET, ADDRESS))), {
      ...edit,
      text: "hell",
      isDraft: true,
    });
    assert.deepEqual(messageOf(editContent("$a", answerContent("hello", TARGET, ADDRESS))), { ...edit, text: "hello" });
    assert.deepEqual(messageOf(editContent("$a", noticeContent("no", TARGET))), {
      ...edit,
      text: "no",
      isNotice: true,
      question: undefined,
    });
  });

  it("follows the mark where an answer is no reply, and where it is one to something else", () => {
    const { "m.relates_to": reply, ...alone } = answerContent("hello", TARGET, ADDRESS);
    assert.notEqual(reply, undefined);
    assert.equal(messageOf(alone)?.question, "$q");
    assert.equal(messageOf(answerContent("hello", { ...TARGET, eventId: "$x" }, ADDRESS))?.question, "$q");
    assert.equal(messageOf({ ...alone, [EXCHANGE_FIELD]: { origin: 1 } })?.question, undefined);
  });

  it("follows the relation of a notice, whether it replies or follows", () => {
    assert.equal(messageOf(noticeContent("no", { ...TARGET, follows: true }))?.question, "$q");
    assert.equal(messageOf(noticeContent("no", { ...TARGET, threadRoot: "$t" }))?.question, "$q");
  });

  it("follows a relation from outside the ciphertext", () => {
    const { "m.relates_to": relation, ...content } = editContent("$a", answerContent("hello", TARGET, ADDRESS));
    assert.deepEqual(messageOf(content, { relation })?.id, "$a");
    assert.deepEqual(
      messageOf(editContent("$a", answerContent("x", TARGET, ADDRESS)), { relation: undefined })?.id,
      "$e",
    );
  });

  it("shows a picture's name and words", () => {
    const content = pictureContent(
      { bytes: new Uint8Array(3), file: { url: "mxc://l/1" }, caption: "a whale" },
      TARGET,
      ADDRESS,
    );
    assert.equal(messageOf(content)?.text, "[picture.png] a whale");
    assert.equal(messageOf({ msgtype: "m.file", body: "a.pdf", filename: "a.pdf" })?.text, "a.pdf");
  });

  it("is a redaction in the form of either kind of room, and a reaction", () => {
    const redaction = { type: "m.room.redaction" };
    assert.deepEqual(newsOf(event({}, { ...redaction, redacts: "$a" }), 1), { kind: "taken_back", id: "$a" });
    assert.deepEqual(newsOf(event({ redacts: "$a" }, redaction), 1), { kind: "taken_back", id: "$a" });
    const relation = { rel_type: "m.annotation", event_id: "$q", key: "👍".repeat(1_000) };
    const reaction = newsOf(event({}, { type: "m.reaction", relation }), 1);
    assert.deepEqual(reaction, { kind: "reaction", to: "$q", key: "👍".repeat(25) });
    const taken = { rel_type: "m.annotation", event_id: "$q", key: "👀" };
    assert.equal(newsOf(event({}, { type: "m.reaction", relation: taken }), 1), undefined);
  });

  it("is bounded in length", () => {
    assert.equal(messageOf({ msgtype: "m.text", body: "x".repeat(1_000_000) })?.text.length, 65_536);
  });

  for (const [what, content, fields] of [
    ["another type", { body: "x" }, { type: "m.sticker" }],
    ["no body", { msgtype: "m.text" }, {}],
    ["a body that is no text", { msgtype: "m.text", body: 1 }, {}],
    ["an edit without a form", { body: "* x" }, { relation: { rel_type: "m.replace", event_id: "$a" } }],
    ["an edit of nothing", { "m.new_content": { body: "x" } }, { relation: { rel_type: "m.replace" } }],
    ["a form that is none", { "m.new_content": "x" }, { relation: { rel_type: "m.replace", event_id: "$a" } }],
    ["a redacted message", {}, {}],
    ["a redaction of nothing", {}, { type: "m.room.redaction", redacts: 1 }],
    ["a reaction to nothing", {}, { type: "m.reaction", relation: null }],
    ["a reaction without a key", {}, { type: "m.reaction", relation: { rel_type: "m.annotation", event_id: "$q" } }],
  ] as const) {
    it(`is nothing for ${what}`, () => {
      assert.equal(newsOf(event(content, fields), 1), undefined);
    });
  }
});
