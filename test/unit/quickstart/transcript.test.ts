import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Message } from "../../../quickstart/news.ts";
import { Transcript, type Entry } from "../../../quickstart/transcript.ts";

function shown(entries: readonly Entry[]): string[] {
  return entries.map((entry) => {
    if (entry.kind === "reaction" || entry.kind === "taken_back") return entry.kind;
    if (entry.kind !== "message") return entry.text;
    const { message, state, isEdited } = entry;
    const marks = { growing: " …", whole: "", broken_off: " ✗" };
    return `${isEdited ? "edited " : ""}${message.text}${marks[state]}`;
  });
}

/** A transcript, with the entries that it gives out and the open ones after each event. */
function transcript() {
  const made = new Transcript();
  let order = 0;
  const tell = (id: string, text: string, fields: Partial<Message> = {}): void => {
    order++;
    const message: Message = {
      ...{ id, formId: `${id}.${order}`, order, isEdit: false, isDraft: false, isNotice: false, text, question: "$q" },
      ...fields,
    };
    made.add({ kind: "message", message });
  };
  return {
    made,
    draft: (id: string, text: string, fields: Partial<Message> = {}) => tell(id, text, { isDraft: true, ...fields }),
    edit: (id: string, text: string, fields: Partial<Message> = {}) => tell(id, text, { isEdit: true, ...fields }),
    tell,
    takeBack: (id: string) => made.add({ kind: "taken_back", id }),
    taken: () => shown(made.take("in_order")),
    takenAll: () => shown(made.take("all")),
    open: () => shown(made.open),
  };
}

describe("a transcript", () => {
  it("keeps an answer open while it grows, and gives it out once", () => {
    const { draft, edit, taken, open } = transcript();
    draft("$a", "o");
    edit("$a", "on", { isDraft: true });
    assert.deepEqual([taken(), open()], [[], ["on …"]]);
    edit("$a", "one");
    assert.deepEqual([taken(), open(), taken()], [["one"], [], []]);
  });

  it("keeps later messages behind a growing answer, unless the order does not matter", () => {
    for (const inOrder of [true, false]) {
      const { made, draft, edit, tell, taken, takenAll, open } = transcript();
      const take = inOrder ? taken : takenAll;
      tell("$n", "before");
      draft("$a", "o");
      made.write({ kind: "said", text: "two" });
      tell("$b", "notice", { isNotice: true, question: undefined });
      assert.deepEqual(take(), inOrder ? ["before"] : ["before", "two", "notice"]);
      assert.deepEqual(open(), inOrder ? ["o …", "two", "notice"] : ["o …"]);
      edit("$a", "one");
      assert.deepEqual(take(), inOrder ? ["one", "two", "notice"] : ["one"]);
    }
  });

  it("does not go back to an earlier form that becomes readable later", () => {
    const { draft, edit, taken, open } = transcript();
    edit("$a", "one", { order: 5 });
    draft("$a", "o", { order: 1 });
    edit("$a", "on", { order: 3, isDraft: true });
    assert.deepEqual([open(), taken()], [["edited one"], ["edited one"]]);
    draft("$a", "o", { order: 2 });
    edit("$a", "on", { order: 4, isDraft: true });
    assert.deepEqual([open(), taken()], [[], []]);
  });

  it("has the parts of an answer, with the first in its place when its end becomes readable last", () => {
    const { draft, edit, tell, taken } = transcript();
    draft("$a", "o");
    edit("$a", "one");
    tell("$b", "two");
    assert.deepEqual(taken(), ["one", "two"]);
    const late = transcript();
    late.draft("$a", "o");
    late.tell("$b", "two", { order: 9 });
    late.edit("$a", "one", { order: 8 });
    assert.deepEqual(late.taken(), ["one", "two"]);
  });

  it("shows no draft that an answer replaced, whether the draft is deleted or not", () => {
    for (const isTakenBack of [true, false]) {
      const { draft, tell, takeBack, taken, open } = transcript();
      draft("$a", "o");
      tell("$b", "one");
      assert.deepEqual(open(), ["one"]);
      if (isTakenBack) takeBack("$a");
      assert.deepEqual([taken(), open()], [["one"], []]);
    }
    const handedOutBetween = transcript();
    handedOutBetween.draft("$a", "o");
    handedOutBetween.tell("$b", "one");
    assert.deepEqual(handedOutBetween.taken(), ["one"]);
    handedOutBetween.takeBack("$a");
    assert.deepEqual(handedOutBetween.taken(), []);
  });

  it("lets no notice replace a draft, nor the answer to another question", () => {
    const { draft, tell, open } = transcript();
    draft("$a", "o");
    tell("$b", "no key", { isNotice: true });
    tell("$c", "other", { question: "$other" });
    assert.deepEqual(open(), ["o …", "no key", "other"]);
  });

  it("shows the next answer to the same question as it grows", () => {
    const { draft, tell, taken, open } = transcript();
    tell("$a", "one");
    assert.deepEqual(taken(), ["one"]);
    draft("$b", "on");
    assert.deepEqual(open(), ["on …"]);
  });

  it("treats an edit of a message that was given out, or never seen, as a message of its own", () => {
    const { tell, edit, taken, open } = transcript();
    tell("$a", "1");
    taken();
    edit("$a", "on", { isDraft: true });
    edit("$z", "old", { question: undefined });
    assert.deepEqual(open(), ["edited on …", "edited old"]);
    edit("$a", "one");
    assert.deepEqual(taken(), ["edited one", "edited old"]);
  });

  it("turns a draft into a notice", () => {
    const { draft, edit, made } = transcript();
    draft("$a", "o");
    edit("$a", "no", { isNotice: true, question: undefined });
    const [entry] = made.take("in_order");
    assert.deepEqual(entry?.kind === "message" && [entry.message.isNotice, entry.message.question], [true, "$q"]);
  });

  it("forgets deleted messages for good, and reports the deletion of those that were given out", () => {
    const { draft, edit, tell, takeBack, taken, open } = transcript();
    draft("$a", "o");
    takeBack("$a");
    edit("$a", "one");
    assert.deepEqual(open(), []);
    tell("$b", "two");
    taken();
    takeBack("$b");
    takeBack("$b");
    takeBack("$unknown");
    assert.deepEqual(taken(), ["taken_back"]);
  });

  it("breaks off a growing answer, of one question or of all, and still takes later edits of it", () => {
    const { made, draft, edit, taken, open } = transcript();
    draft("$a", "o");
    draft("$b", "t", { question: "$r" });
    made.breakOff("$q");
    assert.deepEqual([taken(), open()], [["o ✗"], ["t …"]]);
    made.breakOff();
    assert.deepEqual(taken(), ["t ✗"]);
    edit("$a", "one");
    assert.deepEqual(taken(), ["edited one"]);
  });

  it("waits for every answer only a limited time", () => {
    const { made, draft, taken } = transcript();
    draft("$a", "o");
    for (let i = 0; i < 100; i++) made.write({ kind: "remark", text: `${i}` });
    assert.equal(taken().length, 101);
  });

  it("costs the same for each event, however many there were", () => {
    const { draft, edit, tell, taken } = transcript();
    const started = performance.now();
    for (let i = 0; i < 20_000; i++) {
      draft(`$a${i}`, "o", { question: `$q${i}` });
      edit(`$a${i}`, "one", { question: `$q${i}` });
      tell(`$b${i}`, "two", { question: `$q${i}` });
      assert.equal(taken().length, 2);
    }
    assert.ok(performance.now() - started < 4_000);
  });
});
