import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { renderMarkdown } from "../../../src/text/markdown.ts";

describe("a body is plain text:", () => {
  for (const [what, source, body] of [
    ["emphasis", "**bold**, *italic*, ***both***, __more__ and `code`", "bold, italic, both, more and code"],
    ["struck out text", "It costs ~~10~~ **12**.", "It costs ~~10~~ 12."],
    ["headings", "# Title\n## Part\ntext\n\nMore\n----", "Title\n\nPart\n\ntext\n\nMore"],
    ["lines", "**a**\nb  \nc\\\nd<br>e\n\n\n\nf", "a\nb\nc\nd\ne\n\nf"],
    ["bullets", "Well:\n- a\n- *b*\n+ c", "Well:\n\n• a\n• b\n\n• c"],
    ["bullets far apart", "- a\n\n- b\n\n  c", "• a\n\n• b\n\n  c"],
    ["numbers", "3. a\n4. b\n\n7) c", "3. a\n4. b\n\n7. c"],
    ["lists in lists", "1. a\n   - b\n     - c\n2. d\n10. e\n    f", "1. a\n   • b\n     • c\n2. d\n3. e\n   f"],
    ["empty items", "- \n- a", "•\n• a"],
    ["tasks", "- [x] a\n- [ ] b\n  - [x] c\n\n1. [ ] d", "☑ a\n☐ b\n  ☑ c\n\n1. ☐ d"],
    ["quotes", "> said\n> so\n>\n> > before\n\nYes.", "> said\n> so\n>\n> > before\n\nYes."],
    ["lists in quotes", "> - a\n>   b", "> • a\n>   b"],
    ["code", "So:\n```js\nif (a) {\n\n  b();\n}\n```\nDone.", "So:\n\n    if (a) {\n\n      b();\n    }\n\nDone."],
    ["code in lists", "- a\n  ```\n  b\n  ```", "• a\n      b"],
    ["code by its indentation", "a *b*\n\n    **c**", "a b\n\n    **c**"],
    ["rules", "a\n\n---\n\nb", "a\n\n———\n\nb"],
    ["links", "[here](https://e.org/a?b=1&c=2).", "here (https://e.org/a?b=1&c=2)."],
    [
      "links of their own words",
      "*a* [https://e.org](https://e.org) https://e.org/ä",
      "a https://e.org https://e.org/ä",
    ],
    ["addresses of letters", "[write](mailto:a@e.org), [a@e.org](mailto:a@e.org)", "write (a@e.org), a@e.org"],
    ["links by reference", "[a][1] and [1]\n\n[1]: https://e.org", "a (https://e.org) and 1 (https://e.org)"],
    ["links that are not allowed", "*a* [b](mxc://c/d)", "a b"],
    ["pictures", "![a cat](https://e.org/c.png)", "a cat (https://e.org/c.png)"],
    ["tables", "| a | **b** |\n|--|--|\n| 1<br>2 | |\n| | 3 |", "a | b\n1 / 2\n | 3"],
    ["maths", "So $x^2 \\le \\frac{1}{2}$:\n$$\n\\sum_{i=1}^{n} i\n$$", "So x² ≤ 1/2:\n\n∑ᵢ₌₁ⁿ i"],
    ["entities", "*a* &amp; &lt;b&gt; \\# \\_", "a & <b> # _"],
    ["text that looks like HTML", "**a** <b>c</b>", "a <b>c</b>"],
  ] as const) {
    it(what, () => assert.equal(renderMarkdown(source).body, body));
  }

  it("has the words of an answer, and no marks of formatting", () => {
    const { body } = renderMarkdown(
      "## Whales\n\n**Whales** are *mammals*. See [here](https://e.org):\n\n1. `Blue`\n2. __Grey__\n\n```py\nprint(1)\n```",
    );
    assert.equal(body, "Whales\n\nWhales are mammals. See here (https://e.org):\n\n1. Blue\n2. Grey\n\n    print(1)");
  });

  it("levels beyond the readable ones are not indented further", () => {
    const { body } = renderMarkdown(`${"> ".repeat(90)}a`);
    assert.equal(body, `${"> ".repeat(16)}a`);
  });
});
