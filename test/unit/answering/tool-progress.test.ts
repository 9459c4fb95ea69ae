import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stoppedInCall, withCalls, withCallUnderWay, withWait } from "../../../src/answering/tool-progress.ts";
import { wordsIn } from "../../../src/language/languages.ts";
import type { EndedCall, ProposedCall, TurnStep } from "../../../src/turns/turn-step.ts";

const WORDS = wordsIn("en");

function call(server: string, name: string): ProposedCall {
  const tool = { server, name, definition: "h" };
  return { id: "c", name: `${server}__${name}`, arguments: { secret: "words" }, tool, mayRepeat: false };
}

function ended(number: number, name: string, state: EndedCall["state"], isError = false): EndedCall {
  return { number, askedOf: "tool", state, call: call("files", name), answer: { text: "secret", isError } };
}

function said(text: string): TurnStep {
  return { number: 1, askedOf: "model", state: "called", answer: { text } };
}

describe("the calls behind an answer", () => {
  it("are named by what they do while they are made, below the words so far", () => {
    assert.equal(
      withCallUnderWay([said("")], call("files", "search_files"), WORDS),
      "🔧 Using files\\: search files …",
    );
    assert.equal(
      withCallUnderWay([said("I look.")], call("db", "listTables"), WORDS),
      "I look.\n\n🔧 Using db\\: list tables …",
    );
    assert.equal(withCallUnderWay([], call("", "read_more"), WORDS), "🔧 Using read more …");
  });

  it("leave the words before them where the answer is stopped, and a note", () => {
    assert.deepEqual(stoppedInCall([said("I look.")], call("files", "write"), WORDS), {
      said: "I look.",
      note: "Stopped while I used files\\: write. Nobody knows whether that was done.",
    });
    assert.equal(stoppedInCall([], call("files", "write"), WORDS).said, "");
  });

  it("wait for people below the words before them", () => {
    assert.equal(withWait([said("I look.")], WORDS), `I look.\n\n${WORDS.tools.waiting}`);
    assert.equal(withWait([], WORDS), WORDS.tools.waiting);
  });

  it("stand folded above it, each with its end, and never with what was said to a tool", () => {
    const steps = [
      said("I look."),
      ended(2, "a", "done"),
      ended(3, "b", "done", true),
      ended(4, "c", "refused", true),
      ended(5, "d", "unknown", true),
    ];
    const content = withCalls({ body: "1 < 2" }, steps, WORDS);
    assert.equal(
      content["formatted_body"],
      "<details><summary>🔧 4 tool calls</summary><ul><li>✔ files: a</li><li>✘ files: b</li><li>✘ files: c</li>" +
        "<li>❔ files: d</li></ul></details><p>1 &lt; 2</p>",
    );
    assert.deepEqual([content["body"], content["format"]], ["1 < 2", "org.matrix.custom.html"]);
    const formatted = { body: "x", format: "org.matrix.custom.html", formatted_body: "<b>x</b>" };
    assert.match(String(withCalls(formatted, steps, WORDS)["formatted_body"]), /<\/details><b>x<\/b>$/);
  });

  it("can't be HTML, whatever a server calls its tool", () => {
    const content = withCalls({ body: "" }, [{ ...ended(2, "x", "done"), call: call("files", "<b>") }], WORDS);
    assert.ok(!String(content["formatted_body"]).includes("<b>"));
  });
});
