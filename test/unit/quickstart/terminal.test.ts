import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { plainText, styledLines, textLines } from "../../../quickstart/terminal.ts";

describe("plainText", () => {
  it("removes characters that control the terminal", () => {
    assert.equal(plainText("a\x1b]0;title\x07b\x1b[2Jc\x9bd\x08\x7f"), "a]0;titleb[2Jcd");
    assert.equal(plainText("left\u202eright\u2066"), "leftright");
  });

  it("keeps lines, tabs and every script", () => {
    assert.equal(plainText("a\r\nb\rc\td é 日本 👋🏽\u2028e"), "a\nb\nc\td é 日本 👋🏽\ne");
  });
});

describe("the lines of a text", () => {
  it("are as written, without characters that control the terminal", () => {
    assert.deepEqual(textLines("# a **b**\n\n\x1b[31mred\n\n"), [
      [{ text: "# a **b**" }],
      [{ text: "" }],
      [{ text: "[31mred" }],
    ]);
  });

  it("have no styles where the person wants none", () => {
    const before = process.env["NO_COLOR"];
    process.env["NO_COLOR"] = "1";
    try {
      assert.equal(styledLines(textLines("a", "dim")), "a\n");
    } finally {
      if (before === undefined) Reflect.deleteProperty(process.env, "NO_COLOR");
      else process.env["NO_COLOR"] = before;
    }
  });

  it("have one style, which ends with each line", () => {
    assert.equal(styledLines(textLines("a\nb", "dim")), "\x1b[2ma\x1b[22m\n\x1b[2mb\x1b[22m\n");
  });
});
