import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { answeredEvent } from "../../../src/matrix/relation.ts";
import { answerContent, draftContent, editContent, noticeContent } from "../../../src/answering/reply.ts";

const MARK = { origin: "$question", hops: 0 };
const TO_ALICE = { mentions: ["@alice:a.b"], mark: MARK };
const TARGET = { eventId: "$question", threadRoot: undefined };

describe("an answer", () => {
  it("is a text that replies, and mentions only the asker", () => {
    assert.deepEqual(answerContent("**hi** @room", TARGET, TO_ALICE), {
      msgtype: "m.text",
      body: "hi @\u2060room",
      format: "org.matrix.custom.html",
      formatted_body: "<p><strong>hi</strong> @\u2060room</p>",
      "m.mentions": { user_ids: ["@alice:a.b"] },
      "io.github.matrix-appservice-agents.exchange": MARK,
      "m.relates_to": { "m.in_reply_to": { event_id: "$question" } },
    });
  });

  it("that follows its question replies to nothing, and carries the question's id for the bridge", () => {
    const content = answerContent("hi", { ...TARGET, follows: true }, { ...TO_ALICE, mentions: [] });
    assert.deepEqual(content["m.mentions"], {});
    assert.deepEqual(content["m.relates_to"], {
      "io.github.matrix-appservice-agents.answers": { event_id: "$question" },
    });
    assert.equal(answeredEvent(content), "$question");
    assert.equal(answeredEvent(answerContent("hi", TARGET, TO_ALICE)), "$question");
    for (const relation of [
      undefined,
      null,
      7,
      [],
      {},
      { "m.in_reply_to": null },
      { "m.in_reply_to": { event_id: 7 } },
    ])
      assert.equal(answeredEvent({ "m.relates_to": relation }), undefined);
    const inThread = answerContent("hi", { eventId: "$question", threadRoot: "$root", follows: true }, TO_ALICE);
    assert.equal((inThread["m.relates_to"] as { rel_type?: string }).rel_type, "m.thread");
  });

  it("to a reminder, whose question nobody sent, replies to nothing, or stands in its thread", () => {
    const target = { eventId: "reminder 3 1764576000000", threadRoot: undefined };
    for (const follows of [true, false])
      assert.equal(answerContent("hi", { ...target, follows }, TO_ALICE)["m.relates_to"], undefined);
    assert.equal(noticeContent("hi", target)["m.relates_to"], undefined);
    assert.deepEqual(answerContent("hi", { ...target, threadRoot: "$root" }, TO_ALICE)["m.relates_to"], {
      rel_type: "m.thread",
      event_id: "$root",
      is_falling_back: true,
      "m.in_reply_to": { event_id: "$root" },
    });
  });

  it("stands in the thread of its question", () => {
    assert.deepEqual(answerContent("hi", { ...TARGET, threadRoot: "$root" }, TO_ALICE)["m.relates_to"], {
      rel_type: "m.thread",
      event_id: "$root",
      is_falling_back: true,
      "m.in_reply_to": { event_id: "$question" },
    });
  });
});

describe("a notice", () => {
  it("is a notice, and mentions nobody", () => {
    const content = noticeContent("can't", TARGET);
    assert.equal(content["msgtype"], "m.notice");
    assert.deepEqual(content["m.mentions"], {});
  });
});

describe("an edit", () => {
  it("contains the whole text again, with a body for old clients, and mentions nobody again", () => {
    const content = answerContent("**more**", { ...TARGET, threadRoot: "$root" }, TO_ALICE);
    assert.deepEqual(editContent("$draft", content), {
      msgtype: "m.text",
      body: "* more",
      format: "org.matrix.custom.html",
      formatted_body: "* <p><strong>more</strong></p>",
      "m.mentions": {},
      "io.github.matrix-appservice-agents.exchange": MARK,
      "m.new_content": {
        msgtype: "m.text",
        body: "more",
        format: "org.matrix.custom.html",
        formatted_body: "<p><strong>more</strong></p>",
        "m.mentions": { user_ids: ["@alice:a.b"] },
        "io.github.matrix-appservice-agents.exchange": MARK,
      },
      "m.relates_to": { rel_type: "m.replace", event_id: "$draft" },
    });
  });

  it("mentions new people at its top level", () => {
    const content = answerContent("@agent_qwen: help", TARGET, { mentions: ["@alice:a.b", "@q:a.b"], mark: MARK });
    assert.deepEqual(editContent("$draft", content, ["@q:a.b"])["m.mentions"], { user_ids: ["@q:a.b"] });
  });

  it("is marked as live while it belongs to a draft, and not at the end", () => {
    const live = "org.matrix.msc4357.live";
    const draft = draftContent("so far", TARGET, TO_ALICE);
    const edit = editContent("$draft", draft);
    assert.deepEqual(draft[live], {});
    assert.deepEqual([edit[live], (edit["m.new_content"] as object)[live as never]], [{}, {}]);
    assert.equal(JSON.stringify(editContent("$draft", answerContent("all", TARGET, TO_ALICE))).includes(live), false);
  });
});
