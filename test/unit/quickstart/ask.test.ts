import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ask, NoticeInstead, Unanswered, type Exchange } from "../../../quickstart/ask.ts";
import { PARTNER, ScriptedChat } from "../../support/scripted-chat.ts";

/** Asks, and lets the partner do this once the question is sent. */
async function asked(act: (chat: ScriptedChat) => void, timeoutMs = 60_000): Promise<Exchange> {
  const chat = new ScriptedChat();
  const answer = ask(chat, "one", { timeoutMs, signal: new AbortController().signal });
  setImmediate(() => act(chat));
  return answer;
}

const textsOf = ({ parts }: Exchange): string[] => parts.map(({ message }) => message.text);

describe("asking one question", () => {
  it("waits for the final form of the last part", async () => {
    const exchange = await asked((chat) => {
      chat.types(true);
      const answer = chat.drafts("o", "$q1");
      setImmediate(() => {
        chat.answers("one", "$q1", answer);
        setImmediate(() => {
          chat.answers("two", "$q1");
          chat.types(false);
        });
      });
    });
    assert.deepEqual([exchange.questionId, textsOf(exchange)], ["$q1", ["one", "two"]]);
  });

  it("waits only a moment for more where the agent does not type", async () => {
    assert.deepEqual(textsOf(await asked((chat) => chat.answers("one", "$q1"))), ["one"]);
  });

  it("finds an answer that came before the question's sending was confirmed", async () => {
    class Hasty extends ScriptedChat {
      override async say(text: string): Promise<string> {
        const id = await super.say(text);
        this.answers("one", id);
        return id;
      }
    }
    const exchange = await ask(new Hasty(), "one", { timeoutMs: 60_000, signal: new AbortController().signal });
    assert.deepEqual(textsOf(exchange), ["one"]);
  });

  it("fails with a notice's words, without characters that control a terminal", async () => {
    const answer = asked((chat) => chat.notifies("no\x1b[2J model", "$q1"));
    await assert.rejects(answer, (error) => error instanceof NoticeInstead && error.message === "no[2J model");
  });

  it("reports the answer so far when the time is over, counted from its last part", async () => {
    const nothing = asked(() => undefined, 50);
    await assert.rejects(nothing, { message: `no answer of ${PARTNER} came that could be read within 0.05 s` });
    const partly = asked((chat) => {
      const answer = chat.drafts("Whales\x1b[2J are", "$q1");
      setTimeout(() => chat.drafts(`Whales\x1b[2J are\n${"large ".repeat(100)}`, "$q1", answer), 60);
    }, 100);
    await assert.rejects(partly, (error) => {
      assert.ok(error instanceof Unanswered);
      assert.equal(error.questionId, "$q1");
      const excerpt = `Whales[2J are ${"large ".repeat(31)}`;
      const seen = `the answer of ${PARTNER} began (“${excerpt} …”), but nothing more of it came within 0.1 s`;
      assert.equal(error.message, seen);
      return true;
    });
  });

  it("ends with the signal's reason", async () => {
    const interrupted = new AbortController();
    const answer = ask(new ScriptedChat(), "one", { timeoutMs: 60_000, signal: interrupted.signal });
    setImmediate(() => interrupted.abort(new Error("enough")));
    await assert.rejects(answer, { message: "enough" });
  });
});
