import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { plainText, renderAnswer } from "../../../src/quickstart/terminal.ts";

describe("plainText", () => {
  it("takes out what would steer the terminal", () => {
    assert.equal(plainText("a\x1b]0;title\x07b\x1b[2Jc\x9bd\x08\x7f"), "a]0;titleb[2Jcd");
    assert.equal(plainText("left\u202eright\u2066"), "leftright");
  });

  it("keeps lines, tabs and every script", () => {
    assert.equal(plainText("a\r\nb\rc\td é 日本 👋🏽"), "a\nb\nc\td é 日本 👋🏽");
  });
});

describe("renderAnswer", () => {
  const answer = "# Title\n\nSome **bold** and `code`.\n\n```js\nconst a = `**x**`;\n```\n";

  it("leaves Markdown as it is where there are no styles", () => {
    assert.equal(renderAnswer(answer, false), answer.trimEnd());
  });

  it("turns marks into styles, but not inside of code", () => {
    const rendered = renderAnswer(answer, true);
    assert.ok(rendered.includes("\x1b[1mbold\x1b[22m and \x1b[36mcode\x1b[39m"));
    assert.equal(stripVTControlCharacters(rendered), "Title\n\nSome bold and code.\n\n```js\nconst a = `**x**`;\n```");
  });

  it("lets no escape of the answer's own through", () => {
    assert.equal(renderAnswer("\x1b[31mred", false), "[31mred");
  });
});
