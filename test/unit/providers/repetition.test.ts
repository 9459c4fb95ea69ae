import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Repetition } from "../../../src/providers/repetition.ts";

/** The number of characters after which it is noticed, in pieces of this size; undefined when never. */
function noticedAt(text: string, pieceLength = 4): number | undefined {
  const repetition = new Repetition();
  for (let at = 0; at < text.length; at += pieceLength) {
    if (repetition.push(text.slice(at, at + pieceLength))) return at + pieceLength;
  }
  return undefined;
}

const numbers = Array.from({ length: 5_000 }, (_, index) => `${index}. a step\n`).join("");
const PASSAGES = [
  "a",
  "\n",
  "ha ",
  "I am sorry, but I can't do that. ",
  "はい、そうです。",
  "👍🏽",
  `${"one sentence that is not short at all, ".repeat(3)}and its end. `.slice(0, 300),
];

describe("a model that has begun to repeat itself", () => {
  for (const passage of PASSAGES) {
    it(`is noticed soon, whatever came before: ${JSON.stringify(passage).slice(0, 30)}`, () => {
      for (const before of ["", "The answer: ", numbers.slice(0, 7_777)]) {
        for (const pieceLength of [1, 4, 37, 5_000]) {
          const at = noticedAt(before + passage.repeat(20_000 / passage.length), pieceLength);
          assert.ok(at !== undefined && at <= before.length + 3_000 + 500 + 2 * pieceLength, `${at} by ${pieceLength}`);
        }
      }
    });
  }

  it("is noticed where it repeats a long passage", () => {
    const list = Array.from({ length: 20 }, (_, item) => `${item}. one of the many things to be done`).join("\n");
    for (const passage of [list, "x".repeat(300) + "y", `${"some sentence, and another; ".repeat(15)}.`]) {
      const at = noticedAt(passage.repeat(60));
      assert.ok(at !== undefined && at <= 14_100, `${passage.length}: ${at}`);
    }
  });

  it("is not one that counts, lists, draws, or says something long a few times", () => {
    const table = Array.from({ length: 400 }, (_, row) => `| ${row} | ${row * 7} | yes |\n`).join("");
    const verse = Array.from({ length: 60 }, (_, line) => `Verse ${line} of a song that is not short. `).join("");
    const picture = `${"-".repeat(80)}\n${"| ".repeat(40)}\n`.repeat(10);
    for (const text of [
      numbers,
      table,
      verse.repeat(6),
      `${picture}the end.\n`,
      "na ".repeat(900),
      "0".repeat(2_900),
    ]) {
      assert.equal(noticedAt(text), undefined, text.slice(0, 40));
    }
  });

  it("is noticed in time proportional to the text", () => {
    const text = `${"ab".repeat(100)}c`.repeat(50) + numbers.repeat(20);
    const began = performance.now();
    noticedAt(text);
    assert.ok(performance.now() - began < 5_000);
  });
});
