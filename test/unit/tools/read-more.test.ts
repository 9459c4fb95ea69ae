import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { roundsOf } from "../../../src/answering/tool-rounds.ts";
import { hasMore, readMore } from "../../../src/tools/read-more.ts";
import { LONGEST_RESULT, readResult } from "../../../src/tools/tool-result.ts";
import type { CallResult, TurnStep } from "../../../src/turns/turn-step.ts";

function stepsWith(answer: CallResult): TurnStep[] {
  const call = { id: "callcall1", name: "web__read", arguments: {}, mayRepeat: true };
  return [
    { number: 1, askedOf: "model", state: "called", answer: { text: "" } },
    { number: 2, askedOf: "tool", state: "done", call, answer },
  ];
}

const LONG = Array.from({ length: 10_000 }, (_, at) => `line ${at}`).join("\n");

describe("a long result", () => {
  const steps = stepsWith(readResult({ content: [{ type: "text", text: LONG }] }));

  it("is read page by page, without a gap", () => {
    assert.equal(hasMore(steps), true);
    const first = roundsOf(steps)[0]?.calls[0]?.output.text ?? "";
    const next = /read_more with of (\d+) and from (\d+)/;
    let read = first.slice(0, first.lastIndexOf("\n["));
    assert.equal(read.length, LONGEST_RESULT);
    for (let found = next.exec(first); found !== null;) {
      const { text, isError } = readMore({ of: Number(found[1]), from: Number(found[2]) }, steps);
      assert.equal(isError, false);
      found = next.exec(text);
      read += found === null ? text : text.slice(0, text.lastIndexOf("\n["));
    }
    assert.equal(read, LONG);
  });

  it("is read on only where there is one", () => {
    for (const [of, from] of [
      [1, 0],
      [3, 0],
      [2, -1],
      [2, LONG.length],
      [2, 0.5],
      ["2", 0],
    ]) {
      assert.match(readMore({ of, from }, steps).text, /^Not done/, `${of} ${from}`);
    }
    const short = stepsWith({ text: "short", isError: false });
    assert.equal(hasMore(short), false);
    assert.match(readMore({ of: 2, from: 0 }, short).text, /^Not done/);
    assert.equal(roundsOf(short)[0]?.calls[0]?.output.text, "short");
  });

  it("is kept up to a bound", () => {
    const { text, rest = "" } = readResult({ content: [{ type: "text", text: "x".repeat(1_000_000) }] });
    assert.equal(text.length, LONGEST_RESULT);
    assert.ok(rest.length < 262_144);
    assert.match(rest, /the rest was left out/);
  });
});
