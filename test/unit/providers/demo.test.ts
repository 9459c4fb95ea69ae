import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { createDemoProvider } from "../../../src/providers/demo.ts";
import { type ChatMessage, type ChatRequest, ProviderError } from "../../../src/providers/provider.ts";

const demo = createDemoProvider("demo");

function request(messages: readonly ChatMessage[], more: Partial<ChatRequest> = {}): ChatRequest {
  return {
    model: "demo",
    messages,
    contextTokens: 4096,
    maxAnswerTokens: 1024,
    signal: new AbortController().signal,
    ...more,
  };
}

async function answerTo(...said: readonly string[]): Promise<string> {
  const messages = said.flatMap((content): ChatMessage[] => [
    { role: "user", content },
    { role: "assistant", content: "I see." },
  ]);
  let text = "";
  for await (const chunk of demo.chat(request([{ role: "system", content: "Be kind." }, ...messages.slice(0, -1)]))) {
    if (chunk.kind === "text") text += chunk.text;
  }
  return text;
}

describe("the demo agent", () => {
  it("says plainly that it is a demo and no model", async () => {
    assert.match(await answerTo("hello"), /demo agent\*\*, not an AI model/);
  });

  it("streams in several pieces and ends once", async () => {
    const kinds: string[] = [];
    for await (const { kind } of demo.chat(request([{ role: "user", content: "hello" }]))) kinds.push(kind);
    assert.ok(kinds.length > 5);
    assert.equal(kinds.indexOf("done"), kinds.length - 1);
  });

  it("gives the same answer to the same conversation", async () => {
    assert.equal(await answerTo("one", "two"), await answerTo("one", "two"));
  });

  it("quotes the message, and counts words and messages", async () => {
    const answer = await answerTo("good morning", "how are you?");
    assert.match(answer, /^> how are you\?$/m);
    assert.match(answer, /3 words/);
    assert.match(answer, /your 2nd message to me in this conversation, of which I was given 3 messages/);
    assert.match(await answerTo("hello"), /1 word\n.*your 1st message.* given 1 message$/m);
  });

  it("counts as people do", async () => {
    assert.match(await answerTo(...Array.from({ length: 11 }, () => "x")), /your 11th message/);
    assert.match(await answerTo(...Array.from({ length: 23 }, () => "x")), /your 23rd message/);
  });

  it("knows the message before", async () => {
    assert.match(
      await answerTo("the code is 4711", "What did I say before?"),
      /Before that you said:\n\n> the code is 4711/,
    );
    assert.match(await answerTo("What did I say before?"), /You said nothing to me before/);
  });

  it("distinguishes the speakers in one turn by the text at the margin", async () => {
    const answer = await answerTo(
      "Alice: my colour is red\n\nBob (@bob:a.b): mine is blue\n  \n  Alice: is not\n\nAlice: what did I say before?",
    );
    assert.match(answer, /^Hello Alice!/);
    assert.match(answer, /your 2nd message/);
    assert.match(answer, /Before that you said:\s+> my colour is red/);
  });

  it("distinguishes the speakers of a group", async () => {
    const answer = await answerTo("Alice: my colour is red", "Bob: mine is blue", "Alice: what did I say before?");
    assert.match(answer, /^Hello Alice!/);
    assert.match(answer, /^> what did I say before\?$/m);
    assert.match(answer, /your 2nd message/);
    assert.match(answer, /> my colour is red/);
    assert.match(await answerTo("@al:example.org: hi"), /^Hello @al:example\.org!/);
  });

  it("takes a colon in a message as part of it", async () => {
    const answer = await answerTo("hello", "Note: buy milk");
    assert.match(answer, /^Hello! /);
    assert.match(answer, /^> Note: buy milk$/m);
  });

  it("calculates, and takes no date for a sum", async () => {
    assert.match(await answerTo("what is 7 * 6?"), /`7 \* 6` = \*\*42\*\*/);
    assert.match(await answerTo("0.1+0.2"), /= \*\*0\.3\*\*/);
    assert.match(await answerTo("1/0"), /= \*\*nothing I can say\*\*/);
    assert.doesNotMatch(await answerTo("on 2024-05-06"), /=/);
  });

  it("counts to the requested number, within reason", async () => {
    assert.match(await answerTo("please count to 12"), /1 2 3 4 5 6 7 8 9 10 11 12$/);
    assert.match(await answerTo("count to 999999"), / 1000$/);
  });

  it("quotes only the beginning of a long message", async () => {
    const answer = await answerTo("😀".repeat(5000));
    assert.ok(answer.isWellFormed());
    assert.ok(answer.length < 1000);
  });

  it("stops when it is cancelled", async () => {
    const controller = new AbortController();
    let pieces = 0;
    await assert.rejects(
      async () => {
        const chunks = demo.chat(request([{ role: "user", content: "count to 50" }], { signal: controller.signal }));
        for await (const chunk of chunks) {
          assert.equal(chunk.kind, "text");
          if (++pieces === 3) controller.abort();
        }
      },
      (error) => error instanceof ProviderError && error.code === "cancelled",
    );
    assert.equal(pieces, 3);
  });

  it("has one model", async () => {
    assert.deepEqual(await demo.models(), [{ name: "demo", canChat: true }]);
    const chat = demo.chat(request([], { model: "gpt" }))[Symbol.asyncIterator]();
    await assert.rejects(chat.next(), { code: "model_missing" });
  });

  it("answers an empty message too", async () => {
    assert.match(await answerTo(), /nothing was said/);
  });
});
