import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Message } from "../../../quickstart/news.ts";
import { Replies } from "../../../quickstart/replies.ts";

function replies({ isTyping = false } = {}) {
  const made = new Replies("$q", isTyping);
  let order = 0;
  return {
    tell: (id: string, said: string, fields: Partial<Message> = {}): boolean => {
      order++;
      const form = { id, formId: `${id}.${order}`, order, text: said };
      const message: Message = {
        ...{ ...form, isEdit: false, isDraft: false, isNotice: false, question: "$q" },
        ...fields,
      };
      return made.add({ kind: "message", message });
    },
    types: (now: boolean) => made.add({ kind: "typing", isTyping: now }),
    takeBack: (id: string) => made.add({ kind: "taken_back", id }),
    react: (to: string, key: string) => made.add({ kind: "reaction", to, key }),
    /** In short: the kind, whether it is final, and the content. */
    outcome: (): string => {
      const { outcome } = made;
      if (outcome.kind === "growing") return `growing: ${outcome.text}`;
      if (outcome.kind === "nothing") return outcome.kind;
      const { reply, isOver } = outcome;
      switch (reply.kind) {
        case "answer":
          return `${isOver}: ${reply.parts.map(({ message }) => message.formId).join(" ")}`;
        case "notice":
          return `${isOver}: notice ${reply.text}`;
        case "reaction":
          return `${isOver}: reaction ${reply.key}`;
        case "taken_back":
          return `${isOver}: taken back`;
      }
    },
  };
}

describe("the result of a question", () => {
  it("is an answer in its final form, once the agent has stopped typing", () => {
    const { tell, types, outcome } = replies();
    assert.equal(outcome(), "nothing");
    types(true);
    tell("$a", "o", { isDraft: true });
    assert.equal(outcome(), "growing: o");
    tell("$a", "on", { isDraft: true, isEdit: true, question: undefined });
    assert.equal(outcome(), "growing: on");
    tell("$a", "one", { isEdit: true });
    assert.equal(outcome(), "no: $a.3");
    tell("$b", "two");
    assert.equal(outcome(), "no: $a.3 $b.4");
    types(false);
    assert.equal(outcome(), "yes: $a.3 $b.4");
  });

  it("may be final where the agent was not seen to type", () => {
    const { tell, outcome } = replies();
    tell("$a", "one");
    assert.equal(outcome(), "maybe: $a.1");
  });

  it("is not final when the agent stopped typing before it", () => {
    const { tell, types, outcome } = replies({ isTyping: true });
    types(false);
    types(true);
    tell("$a", "one");
    assert.equal(outcome(), "no: $a.1");
  });

  it("is never a message for another question, or for none", () => {
    const { tell, types, takeBack, react, outcome } = replies();
    assert.equal(tell("$x", "another", { question: "$other" }), false);
    assert.equal(tell("$y", "welcome", { question: undefined, isNotice: true }), false);
    assert.equal(takeBack("$x"), false);
    assert.equal(react("$other", "👍"), false);
    assert.equal(types(true), false);
    assert.equal(outcome(), "nothing");
  });

  it("is a notice at once, unless there is an answer too", () => {
    const { tell, outcome } = replies();
    tell("$n", "no key yet", { isNotice: true });
    assert.equal(outcome(), "yes: notice no key yet");
    tell("$a", "o", { isDraft: true });
    assert.equal(outcome(), "growing: o");
    tell("$a", "one", { isEdit: true });
    assert.equal(outcome(), "maybe: $a.3");
  });

  it("is a notice that the draft turned into", () => {
    const { tell, outcome } = replies();
    tell("$a", "o", { isDraft: true });
    tell("$a", "no model", { isEdit: true, isNotice: true, question: undefined });
    assert.equal(outcome(), "yes: notice no model");
  });

  it("is the answer that replaced the draft", () => {
    const { tell, takeBack, types, outcome } = replies();
    types(true);
    tell("$a", "o", { isDraft: true });
    tell("$b", "one");
    assert.equal(outcome(), "no: $b.2");
    takeBack("$a");
    types(false);
    assert.equal(outcome(), "yes: $b.2");
  });

  it("is nothing any more when it was deleted", () => {
    const { tell, takeBack, outcome } = replies();
    tell("$a", "o", { isDraft: true });
    takeBack("$a");
    assert.equal(outcome(), "yes: taken back");
  });

  it("is a reaction where there is nothing else", () => {
    const { react, outcome } = replies();
    react("$q", "👍");
    assert.equal(outcome(), "yes: reaction 👍");
  });
});
