import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cursorRow, lastRows, rowsOf } from "../../../quickstart/rows.ts";
import type { Line } from "../../../quickstart/terminal.ts";

const texts = (line: Line, columns: number): string[] =>
  rowsOf(line, columns).map(({ spans }) => spans.map(({ text }) => text).join(""));

describe("the rows of a line", () => {
  for (const [what, text, columns, rows] of [
    ["nothing", "", 10, [""]],
    ["a text that fits", "abc", 3, ["abc"]],
    ["a text that does not fit", "abcdefg", 3, ["abc", "def", "g"]],
    ["wide characters", "鯨は大きい", 5, ["鯨は", "大き", "い"]],
    ["a wide character in a narrow place", "鯨a", 1, ["鯨", "a"]],
    ["emoji of several characters", "👨‍👩‍👧🇩🇪👋🏽", 4, ["👨‍👩‍👧🇩🇪", "👋🏽"]],
    ["accents that combine", "e\u0301e\u0301e\u0301", 2, ["e\u0301e\u0301", "e\u0301"]],
    ["an accent alone", "\u0301", 2, ["\u0301"]],
    ["characters without width", "a\u200bb", 2, ["a\u200bb"]],
    ["a tab", "a\tb", 20, ["a       b"]],
    ["a tab at the end of a row", "abcdefg\thi", 8, ["abcdefg ", "hi"]],
    ["a tab where none fits", "abcd\te", 4, ["abcd", " e"]],
    ["half of a pair", "\ud83d", 2, ["\ud83d"]],
  ] as const) {
    it(`are right for ${what}`, () => {
      assert.deepEqual(texts([{ text }], columns), rows);
    });
  }

  it("keep the styles, and tell their width", () => {
    assert.deepEqual(rowsOf([{ text: "ab", style: "bold" }, { text: "cd鯨" }, { text: "e", style: "dim" }], 3), [
      { spans: [{ text: "ab", style: "bold" }, { text: "c" }], cells: 3 },
      { spans: [{ text: "d鯨" }], cells: 3 },
      { spans: [{ text: "e", style: "dim" }], cells: 1 },
    ]);
  });

  it("are cut in linear time, whatever the line", () => {
    for (const piece of ["x", "鯨", "\u0301", "👨‍👩‍👧", "\t", "\u200d", "🇩"]) {
      const started = performance.now();
      rowsOf([{ text: piece.repeat(65_536 / piece.length) }], 80);
      assert.ok(performance.now() - started < 2_000, JSON.stringify(piece));
    }
  });
});

describe("the last rows", () => {
  it("are those that fit, from as few lines as needed", () => {
    const looked: string[] = [];
    const fromTheEnd = function* (): Generator<Line> {
      for (const text of ["ghij", "def", "abc", "not this one"]) {
        looked.push(text);
        yield [{ text }];
      }
    };
    const { rows, isCut } = lastRows(fromTheEnd(), 3, 3);
    assert.deepEqual([rows.map(({ spans }) => spans[0]?.text), isCut], [["def", "ghi", "j"], true]);
    assert.deepEqual(looked, ["ghij", "def", "abc"]);
  });

  it("are all rows where there is room", () => {
    const { rows, isCut } = lastRows([[{ text: "b" }], [{ text: "a" }]], 3, 2);
    assert.deepEqual([rows.map(({ spans }) => spans[0]?.text), isCut], [["a", "b"], false]);
  });
});

describe("the cursor after a text", () => {
  for (const [text, row] of [
    ["", 0],
    ["abc", 0],
    ["abcd", 1],
    ["abcde", 1],
    ["abcdefgh", 2],
    ["abc鯨", 1],
    ["鯨鯨", 1],
  ] as const) {
    it(`is on row ${row} of 4 columns after ${JSON.stringify(text)}`, () => {
      assert.equal(cursorRow(text, 4), row);
    });
  }
});
