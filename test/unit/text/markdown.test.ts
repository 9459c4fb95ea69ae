import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { escapeMarkdown, renderMarkdown } from "../../../src/text/markdown.ts";

function html(source: string): string {
  const { formattedBody } = renderMarkdown(source);
  assert.ok(formattedBody !== undefined, "has a formatted body");
  return formattedBody;
}

function isPlain(source: string, body = source): void {
  assert.deepEqual(renderMarkdown(source), { body });
}

/** Deepest nesting of tags; also checks that they are closed in order. */
function depthOf(text: string): number {
  const open: string[] = [];
  let deepest = 0;
  for (const [, slash, name = ""] of text.matchAll(/<(\/?)([a-z0-9]+)[^>]*>/g)) {
    if (name === "br" || name === "hr") continue;
    if (slash === "/") assert.equal(open.pop(), name);
    else deepest = Math.max(deepest, open.push(name));
  }
  assert.equal(open.length, 0);
  return deepest;
}

describe("markdown", () => {
  for (const [source, expected] of [
    [
      "**bold**, *italic*, ~~gone~~, `code`",
      "<p><strong>bold</strong>, <em>italic</em>, <del>gone</del>, <code>code</code></p>",
    ],
    ["# Title\n\ntext", "<h1>Title</h1>\n<p>text</p>"],
    ["one *line*\nand another", "<p>one <em>line</em><br />\nand another</p>"],
    ["- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"],
    ["3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'],
    ["> said", "<blockquote>\n<p>said</p>\n</blockquote>"],
    ["a\n\n---", "<p>a</p>\n<hr />"],
    ["```ts\nif (a < b && c) {}\n```", '<pre><code class="language-ts">if (a &lt; b &amp;&amp; c) {}\n</code></pre>'],
    ["```\nplain\n```", "<pre><code>plain\n</code></pre>"],
    ["```py\nnot yet closed", '<pre><code class="language-py">not yet closed</code></pre>'],
    ["[here](https://example.org/a?b=1&c=2)", '<p><a href="https://example.org/a?b=1&amp;c=2">here</a></p>'],
    ["*a* https://example.org", '<p><em>a</em> <a href="https://example.org">https://example.org</a></p>'],
    ["[mail](mailto:a@example.org)", '<p><a href="mailto:a@example.org">mail</a></p>'],
  ] as const) {
    it(JSON.stringify(source), () => assert.equal(html(source), expected));
  }

  it("has tables, with line breaks in their cells and without styles", () => {
    const table = html("| a | b |\n| :-- | --: |\n| 1<br>2 | 3 |");
    assert.match(table, /^<table>\n<thead>\n<tr>\n<th>a<\/th>/);
    assert.match(table, /<td>1<br \/>\n2<\/td>/);
    assert.doesNotMatch(table, /style/);
  });

  for (const [source, expected] of [
    ["- [ ] a\n- [x] b\n- [X] c", "<ul>\n<li>☐ a</li>\n<li>☑ b</li>\n<li>☑ c</li>\n</ul>"],
    ["1. [x] a\n2. [ ] *b*", "<ol>\n<li>☑ a</li>\n<li>☐ <em>b</em></li>\n</ol>"],
    ["- [ ] a\n  - [x] b", "<ul>\n<li>☐ a\n<ul>\n<li>☑ b</li>\n</ul>\n</li>\n</ul>"],
    ["* [ ] a\n\n* [x] b", "<ul>\n<li>\n<p>☐ a</p>\n</li>\n<li>\n<p>☑ b</p>\n</li>\n</ul>"],
    ["> + [x] a", "<blockquote>\n<ul>\n<li>☑ a</li>\n</ul>\n</blockquote>"],
    ["- [x] [a](https://e.org)", '<ul>\n<li>☑ <a href="https://e.org">a</a></li>\n</ul>'],
  ] as const) {
    it(`has task list boxes for ${JSON.stringify(source)}`, () => assert.equal(html(source), expected));
  }

  it("has no boxes elsewhere", () => {
    for (const source of [
      "*a* [x] b",
      "- a [x] b",
      "- [x]",
      "- [y] b",
      "- [x]b",
      "- \\[x] b",
      "- `[x] b`",
      "-     [x] b",
      "```\n- [x] b\n```",
      "- [x] a\n\n[x]: https://e.org",
    ]) {
      assert.doesNotMatch(html(source), /[☐☑]/, source);
    }
  });

  it("drops blank lines at the beginning and the end, but no indentation", () => {
    assert.equal(renderMarkdown("\n \n    code\n\n").body, "    code");
    assert.deepEqual(renderMarkdown(" \n\n"), { body: "" });
  });

  it("takes no file name for an address", () =>
    isPlain("Edit main.rs and README.md, // then run.sh, ask ann@example.org"));
});

describe("emphasis beside signs of scripts that have no spaces", () => {
  for (const [source, expected] of [
    ["**「重要」**な話", "<p><strong>「重要」</strong>な話</p>"],
    ["これは**「重要」**です。", "<p>これは<strong>「重要」</strong>です。</p>"],
    ["**重要：**次へ", "<p><strong>重要：</strong>次へ</p>"],
    ["これは**強調。**次", "<p>これは<strong>強調。</strong>次</p>"],
    ["*（斜体）*の", "<p><em>（斜体）</em>の</p>"],
    ["***「両方」***の", "<p><em><strong>「両方」</strong></em>の</p>"],
    ["値は**100%**です", "<p>値は<strong>100%</strong>です</p>"],
    ["**`code`**を", "<p><strong><code>code</code></strong>を</p>"],
    ["**[リンク](https://a.b)**を", '<p><strong><a href="https://a.b">リンク</a></strong>を</p>'],
    ["**API（接口）**的文档", "<p><strong>API（接口）</strong>的文档</p>"],
    ["这是**“重点”**的内容", "<p>这是<strong>“重点”</strong>的内容</p>"],
    ["这是**重点。**下一句", "<p>这是<strong>重点。</strong>下一句</p>"],
    ["請看**《紅樓夢》**這本書", "<p>請看<strong>《紅樓夢》</strong>這本書</p>"],
    ["이것은 **‘중요’**입니다", "<p>이것은 <strong>‘중요’</strong>입니다</p>"],
    ["**중요(重要)**합니다", "<p><strong>중요(重要)</strong>합니다</p>"],
    ["ｆｕｌｌ**（ｗｉｄｔｈ）**ｔｅｘｔ", "<p>ｆｕｌｌ<strong>（ｗｉｄｔｈ）</strong>ｔｅｘｔ</p>"],
    ["~~「削除」~~済み", "<p><del>「削除」</del>済み</p>"],
    ["~~删除。~~然后", "<p><del>删除。</del>然后</p>"],
    ["- **「項目」**は", "<ul>\n<li><strong>「項目」</strong>は</li>\n</ul>"],
  ] as const) {
    it(JSON.stringify(source), () => assert.equal(html(source), expected));
  }

  it("works in tables, and the body has only the words", () => {
    const { body, formattedBody = "" } = renderMarkdown("| **「表」**な | b |\n|---|---|\n| **値。**は | ~~「x」~~y |");
    assert.match(formattedBody, /<strong>「表」<\/strong>な[\s\S]*<strong>値。<\/strong>は[\s\S]*<del>「x」<\/del>y/);
    assert.equal(body, "「表」な | b\n値。は | ~~「x」~~y");
  });

  for (const text of ["snake_case_名前_です と foo_bar_baz", "**", "「**」", "5 * 3 = 15、** と **", "__「x」__y"]) {
    it(`is none in ${JSON.stringify(text)}`, () => isPlain(text));
  }
});

describe("a formatted body is left out", () => {
  for (const text of [
    "Hello!",
    "Two\nlines",
    'Two\n\nparagraphs & "quotes" <tags>, it\'s 3 > 2',
    "see https://example.org/?a=1&b=2.",
    "snake_case_name and 2 * 3 * 4",
  ]) {
    it(`of ${JSON.stringify(text)}`, () => isPlain(text));
  }

  it("where the body shows the meaning, not the markup", () => {
    isPlain("a \\*star\\*", "a *star*");
    isPlain("&copy; me", "© me");
  });

  it("where the layout stays the same", () => isPlain("one\n   two\n      three\n\n\n\nfour"));

  it("where there are only marks, which then are the body", () => {
    for (const marks of ["[a]: https://example.org", "```\n```", "#", "<br>", "> "]) isPlain(marks, marks.trim());
  });
});

describe("LaTeX", () => {
  const inline = (latex: string): string => `<span data-mx-maths="${latex}"><code>${latex}</code></span>`;
  const block = (latex: string): string => `<div data-mx-maths="${latex}"><code>${latex}</code></div>`;

  for (const [source, expected] of [
    ["so $x^2 + y_1$.", `<p>so ${inline("x^2 + y_1")}.</p>`],
    ["the $n$-th", `<p>the ${inline("n")}-th</p>`],
    ["$2$ is prime", `<p>${inline("2")} is prime</p>`],
    ["$2 \\times \\text{ten and} 3$", `<p>${inline("2 \\times \\text{ten and} 3")}</p>`],
    ["a \\(a < b\\) b", `<p>a ${inline("a &lt; b")} b</p>`],
    ["in $$x$$ line", `<p>in ${inline("x")} line</p>`],
    ["$$\n\\frac{a}{b}\n$$", block("\\frac{a}{b}")],
    ["$$x = 1$$", block("x = 1")],
    ["\\[\nx*y*z\n\\]", block("x*y*z")],
    ["is:\n$$\nx\n$$\nso", `<p>is:</p>\n${block("x")}\n<p>so</p>`],
    ["- a\n  $$\n  x\n  $$", `<ul>\n<li>a${block("x")}\n</li>\n</ul>`],
    ['$"><b>$', `<p>${inline("&quot;&gt;&lt;b&gt;").replace("<code>&quot;", '<code>"')}</p>`],
  ] as const) {
    it(`in ${JSON.stringify(source)}`, () => assert.equal(html(source), expected));
  }

  for (const text of [
    "It costs $5, or $10 with cake.",
    "from $5-$10",
    "between 5$ and 10$",
    "I pay $5 and you 10$.",
    "US$5 and AU$6",
    "cd $HOME/$USER:$PATH",
    "$ npm i\n$ npm start",
    "one $ alone",
  ]) {
    it(`is not in ${JSON.stringify(text)}`, () => isPlain(text));
  }

  it("is not in code, nor behind a backslash", () => {
    assert.doesNotMatch(html("`$x$` and \\$x$ and\n```\n$$\nx\n$$\n```"), /maths/);
  });

  it("is not a link with escaped brackets", () => {
    isPlain("\\[not\\](a link)", "[not](a link)");
  });
});

describe("nothing in an answer acts by itself:", () => {
  it("HTML is text", () => {
    isPlain('<script>alert(1)</script> <img src=x onerror="alert(1)"> <a href="https://example.org" onclick=x>');
    assert.doesNotMatch(html("**a** <b onclick=x>b</b> <!-- c -->"), /<b|<!/);
    assert.equal(html("*a* <BR/>b"), "<p><em>a</em> <br />\nb</p>");
  });

  it("a link without words shows its address", () => {
    const { body, formattedBody } = renderMarkdown("See [](https://example.org/a) and ![](https://example.org/b.png)!");
    assert.match(body, /See https:\/\/example\.org\/a and https:\/\/example\.org\/b\.png/);
    assert.doesNotMatch(formattedBody ?? "", /"><\/a>/);
  });

  it("images are links", () => {
    assert.equal(
      html("![a cat](https://example.org/c.png?q=1)"),
      '<p><a href="https://example.org/c.png?q=1">a cat</a></p>',
    );
    isPlain("![](https://e.org/c.png)", "https://e.org/c.png");
    assert.match(
      html("*a* ![](https://e.org/c.png)"),
      /<a href="https:\/\/e\.org\/c\.png">https:\/\/e\.org\/c\.png<\/a>/,
    );
    assert.equal(html("[![b](https://e.org/b.svg)](https://e.org)"), '<p><a href="https://e.org">b</a></p>');
    isPlain("![x](mxc://e.org/abc) ![y](data:image/png;base64,AAAA)", "x y");
    isPlain(`![](data:image/png;base64,${"A".repeat(1000)})`, `data:image/png;base64,${"A".repeat(278)}…`);
    assert.equal(html("![a][1]\n\n[1]: https://e.org/i.png"), '<p><a href="https://e.org/i.png">a</a></p>');
  });

  for (const href of [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "&#106;avascript:alert(1)",
    "java\tscript:alert(1)",
    "vbscript:x",
    "data:text/html;base64,PHNjcmlwdD4=",
    "file:///etc/passwd",
    "mxc://example.org/abc",
    "matrix:u/alice:example.org",
    "//example.org",
    "/relative",
    "#fragment",
    "tel:123",
  ]) {
    it(`${JSON.stringify(href)} is no link`, () => {
      for (const source of [
        `*a* [x](${href})`,
        `*a* [x](<${href}>)`,
        `*a* <${href}>`,
        `*a* [x]\n\n[x]: ${href}`,
        `*a* ${href}`,
      ]) {
        assert.doesNotMatch(html(source), /<a\b|href/);
      }
    });
  }

  for (const href of [
    "https://matrix.to/#/@alice:example.org",
    "https://matrix.to/#/%40alice%3Aexample.org",
    "http://www.matrix.to/#/@alice:example.org?via=example.org",
    "https://matrix.to/#/&#64;alice:example.org",
    "https://matrix.to/#@alice:example.org",
    "HTTPS://MATRIX.TO/#/@alice:example.org",
    "https://app.element.io/#/user/@alice:example.org",
  ]) {
    it(`${href} is no mention`, () => {
      for (const source of [`*a* [Alice](${href})`, `*a* ${href}`, `*a* <${href}>`, `*a* [Alice][1]\n\n[1]: ${href}`]) {
        assert.doesNotMatch(html(source), /href="[^"]*#\/*(?:user\/)?(?:@|%40)/i, source);
      }
    });
  }

  it("the address of a user is the user's id in the body too", () => {
    assert.equal(
      renderMarkdown("[Al](https://matrix.to/#/@al:example.org), https://matrix.to/#/%40al%3Aexample.org.").body,
      "Al, @al:example.org.",
    );
  });

  it("a room's address stays a link", () => {
    assert.match(
      html("[room](https://matrix.to/#/%23r:example.org)"),
      /href="https:\/\/matrix\.to\/#\/%23r:example\.org"/,
    );
  });

  it("@room has a joiner, in code too", () => {
    const { body, formattedBody } = renderMarkdown("@room, `@ROOM` *@Room* but @roommate");
    assert.equal(body, "@\u2060room, @\u2060ROOM @\u2060Room but @roommate");
    assert.doesNotMatch(formattedBody ?? "", /@room\b/i);
    assert.match(formattedBody ?? "", /@roommate/);
    const entity = renderMarkdown("*a* &#64;room");
    assert.doesNotMatch(`${entity.body} ${entity.formattedBody}`, /@room\b/);
  });

  it("a language's name can't break out", () => {
    assert.match(html('```"><script>x\ny\n```'), /^<pre><code class="language-&quot;&gt;&lt;script&gt;x">y/);
    assert.match(html("```js onload=alert(1)\ny\n```"), /^<pre><code class="language-js">y/);
  });
});

describe("the text of an answer loses", () => {
  it("control characters and characters that change the direction", () => {
    isPlain("a\u0000b\u001b[31mc\u007fd\u0085e\u202ef\u2066g\th", "ab[31mcdefg\th");
    isPlain("a\r\nb\rc", "a\nb\nc");
    assert.doesNotMatch(html("**a**\u0000 `\u001b`"), /[\p{Cc}--\n]/v);
    const { body, formattedBody } = renderMarkdown("*a* &#0; &#x1b; &#x202e;");
    assert.doesNotMatch(`${body} ${formattedBody}`, /(?!\n)[\p{Cc}\u202e]/u);
  });

  it("lone surrogates", () => {
    isPlain("a\ud83d b\ude00 😀", "a\ufffd b\ufffd 😀");
    assert.ok(html("**a** &#xd83d; `\ud83d`").isWellFormed());
  });
});

it("text that is not markdown stays the same when it is put into markdown", () => {
  for (const text of [
    "a_b_ *c* `d`",
    "[e](f) <g> &amp; ~~h~~",
    "$x$ \\(y\\) | # z \\",
    "https://e.org/a_b?c=d&e",
    "Ünïcode 😀",
  ]) {
    assert.equal(renderMarkdown(`So *${escapeMarkdown(text)}*`).body, `So ${text}`);
  }
  // With a backslash before it, a bracket would begin maths.
  for (const words of ["[x]", "[x](y)", String.raw`\[x\]`, String.raw`\(x\)`, "$x$", "a [b] c"]) {
    const { body, formattedBody = "" } = renderMarkdown(escapeMarkdown(words));
    assert.equal(body, words);
    assert.doesNotMatch(formattedBody, /maths|href/);
  }
});

describe("whatever its size and shape, rendering", () => {
  it("nests tags 100 deep at most", () => {
    for (const source of [
      `${">".repeat(5000)} x`,
      `${"- ".repeat(3000)}x`,
      `${"> - ".repeat(3000)}x`,
      "**a *b ".repeat(3000) + "c* d**".repeat(3000),
      Array.from({ length: 300 }, (_, i) => `${"  ".repeat(i)}- x`).join("\n"),
    ]) {
      const { formattedBody = "" } = renderMarkdown(source);
      const depth = depthOf(formattedBody);
      assert.ok(depth <= 100, String(depth));
    }
  });

  const shapes: readonly (readonly [string, (n: number) => string])[] = [
    ["words", (n) => "word ".repeat(n / 5)],
    ["letters", (n) => "a".repeat(n)],
    ["blanks", (n) => `a${" ".repeat(n)}b`],
    ["line feeds", (n) => `a${"\n".repeat(n)}b`],
    ["stars", (n) => "*a **b ".repeat(n / 7)],
    ["stars and underscores", (n) => "*_".repeat(n / 2)],
    ["brackets", (n) => "[".repeat(n)],
    ["closing brackets", (n) => "](".repeat(n / 2)],
    ["images", (n) => "![".repeat(n / 4) + "](a)".repeat(n / 8)],
    ["backticks", (n) => Array.from({ length: Math.sqrt(2 * n) }, (_, i) => "`".repeat(i)).join(" ")],
    ["dollars", (n) => "$a ".repeat(n / 3)],
    ["blocks of maths", (n) => "$$a\n".repeat(n / 4)],
    ["opened maths", (n) => "\\(".repeat(n / 2)],
    ["opened blocks of maths", (n) => "\\[\n".repeat(n / 3)],
    ["quotes", (n) => "> ".repeat(n / 2)],
    ["lists", (n) => "- ".repeat(n / 2)],
    ["addresses", (n) => "http://".repeat(n / 7)],
    ["users' addresses", (n) => "https://matrix.to/#/@".repeat(n / 21)],
    ["tables", (n) => `${"|".repeat(n / 2)}\n${"|-".repeat(n / 4)}`],
    ["angles", (n) => "<".repeat(n)],
    ["opened tags", (n) => "<a ".repeat(n / 3)],
    ["entities", (n) => "&#x40;".repeat(n / 6)],
    ["definitions", (n) => "[a]: b\n".repeat(n / 7)],
    ["one definition's uses", (n) => `[a]: https://e.org/${"x".repeat(n / 2)}\n\n${"[a] ".repeat(n / 8)}`],
    ["one title's uses", (n) => `[a]: https://e.org "${"x".repeat(n / 2)}"\n\n${"[a] ".repeat(n / 8)}`],
    ["one picture's uses", (n) => `[a]: data:image/png;base64,${"x".repeat(n / 2)}\n\n${"![][a] ".repeat(n / 14)}`],
    ["lines of deep quotes", (n) => `${"> ".repeat(99)}a${"\na".repeat((n - 200) / 2)}`],
    ["lines of deep lists", (n) => `${"- ".repeat(99)}a${"\na".repeat((n - 200) / 2)}`],
    ["empty cells", (n) => `|${"a|".repeat(n / 4)}b|\n|${"-|".repeat(n / 4)}-|\n|b`],
    ["tasks", (n) => "- [x] a\n".repeat(n / 8)],
    ["fractions", (n) => `$${"\\frac{".repeat(n / 7)}$\n$$\n${"{a}^".repeat(n / 4)}\n$$`],
    ["roots", (n) => `$$\n${"\\sqrt[".repeat(n / 6)}\n$$`],
    ["fences", (n) => "```\n".repeat(n / 4)],
    ["backslashes", (n) => "\\".repeat(n)],
    ["at signs", (n) => "@".repeat(n)],
  ];
  for (const [what, shape] of shapes) {
    it(`gives a body of proportional size for ${what}`, () => {
      const source = shape(5_000);
      const { body } = renderMarkdown(source);
      assert.ok(body.length > 0 && body.length < 40 * source.length, String(body.length));
    });

    it(`takes linear time for ${what}`, () => {
      const time = (n: number): number => {
        const source = shape(n);
        const times = [1, 2, 3].map(() => {
          // Not clock time, which also passes while others compute.
          const started = process.cpuUsage();
          renderMarkdown(source);
          return process.cpuUsage(started).user / 1_000;
        });
        return Math.min(...times);
      };
      const small = time(2_500);
      const large = time(20_000);
      // Eight times as much text: 8 when linear, 64 when quadratic; short times say nothing.
      assert.ok(large < 100 || large / small < 30, `${small.toFixed(1)} ms became ${large.toFixed(1)} ms`);
    });
  }
});
