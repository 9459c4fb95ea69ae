import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { alternating } from "../../../src/answering/alternating.ts";
import type { ChatMessage } from "../../../src/providers/provider.ts";

const user = (content: string, ...images: Uint8Array[]): ChatMessage => ({
  role: "user",
  content,
  ...(images.length === 0 ? {} : { images }),
});
const assistant = (content: string): ChatMessage => ({ role: "assistant", content });
const PICTURE = new Uint8Array([1]);

describe("the messages that a model gets", () => {
  const CASES: readonly (readonly [string, readonly ChatMessage[], readonly ChatMessage[]])[] = [
    [
      "as they are, where they alternate",
      [user("a"), assistant("b"), user("c")],
      [user("a"), assistant("b"), user("c")],
    ],
    ["a question that failed, and the next one", [user("a"), user("b")], [user("a\n\nb")]],
    [
      "an answer in parts",
      [user("a"), assistant("b"), assistant("c"), user("d")],
      [user("a"), assistant("b\n\nc"), user("d")],
    ],
    ["an answer without its question", [assistant("a"), assistant("b"), user("c")], [user("c")]],
    ["an answer at the end", [user("a"), assistant("b")], [user("a"), assistant("b"), user("Go on.")]],
    ["an answer alone", [assistant("a")], [user("Go on.")]],
    ["nothing at all", [], [user("Go on.")]],
    ["an empty answer between two questions", [user("a"), assistant(" \n"), user("b")], [user("a\n\nb")]],
    [
      "an empty part of an answer",
      [user("a"), assistant("b"), assistant(""), user("c")],
      [user("a"), assistant("b"), user("c")],
    ],
    ["a question without words", [user("  ")], [user("(no words)")]],
    ["a picture without words", [user("", PICTURE)], [user("", PICTURE)]],
    ["pictures of neighbours", [user("a", PICTURE), user("", PICTURE), user("b")], [user("a\n\nb", PICTURE, PICTURE)]],
  ];
  for (const [what, messages, expected] of CASES) {
    it(`are turns of user and assistant: ${what}`, () => assert.deepEqual(alternating(messages), expected));
  }

  it("alternate and end with the user's, whatever the conversation", () => {
    const kinds = [user("a"), user(""), user("", PICTURE), assistant("b"), assistant("")];
    for (let number = 0; number < kinds.length ** 5; number++) {
      const messages = Array.from(
        { length: 5 },
        (_, at) => kinds[Math.floor(number / kinds.length ** at) % kinds.length] ?? user(""),
      );
      const given = alternating(messages);
      given.forEach(({ role }, at) => assert.equal(role, at % 2 === 0 ? "user" : "assistant"));
      assert.equal(given.length % 2, 1);
      for (const { content, images } of given) assert.ok(content !== "" || images !== undefined);
    }
  });
});
