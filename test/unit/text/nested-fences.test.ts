import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withNote } from "../../../src/answering/answer-messages.ts";
import { renderMarkdown } from "../../../src/text/markdown.ts";
import { withLongerFences } from "../../../src/text/nested-fences.ts";
import { splitMarkdown } from "../../../src/text/split.ts";

/** The code blocks of a text, in order, and the text beside them. */
function shown(source: string): { readonly blocks: string[]; readonly beside: string } {
  const html = renderMarkdown(source).formattedBody ?? "";
  const block = /<pre><code[^>]*>([\s\S]*?)<\/code><\/pre>/g;
  const blocks = [...html.matchAll(block)].map(([, code = ""]) => code.trimEnd());
  return {
    blocks,
    beside: html
      .replace(block, "█")
      .replace(/<[^>]+>/g, "")
      .replace(/\s+/g, " ")
      .trim(),
  };
}

const README = "# Title\n\n```bash\nnpm install\n```\n\nMore text.";

describe("a code block that shows markdown with code blocks in it", () => {
  for (const [what, source, inner] of [
    ["with a language", `Here:\n\n\`\`\`markdown\n${README}\n\`\`\`\n\nDone.`, README],
    ["called md", `Here:\n\n\`\`\`md\n${README}\n\`\`\`\n\nDone.`, README],
    ["called text", `Here:\n\n\`\`\`text\n${README}\n\`\`\`\n\nDone.`, README],
    ["called nothing", `Here:\n\n\`\`\`\n${README}\n\`\`\`\n\nDone.`, README],
    [
      "of tildes",
      `Here:\n\n~~~markdown\n${README.replaceAll("```", "~~~")}\n~~~\n\nDone.`,
      README.replaceAll("```", "~~~"),
    ],
    ["with two in it", `Here:\n\n\`\`\`markdown\n${README}\n\n${README}\n\`\`\`\n\nDone.`, `${README}\n\n${README}`],
    [
      "without a language",
      "Here:\n\n```markdown\n# Title\n\n```\nnpm install\n```\n\nMore.\n```\n\nDone.",
      "# Title\n\n```\nnpm install\n```\n\nMore.",
    ],
    [
      "without a language, behind a colon",
      "Here:\n\n```markdown\nRun:\n```\nnpm install\n```\nMore.\n```\n\nDone.",
      "Run:\n```\nnpm install\n```\nMore.",
    ],
    ["right at its end", "Here:\n\n```markdown\n# Title\n```js\n1\n```\n```\n\nDone.", "# Title\n```js\n1\n```"],
    ["fenced longer already", `Here:\n\n\`\`\`\`markdown\n${README}\n\`\`\`\`\n\nDone.`, README],
    ["with a title", `Here:\n\n\`\`\`markdown title="a"\n${README}\n\`\`\`\n\nDone.`, README],
  ] as const) {
    it(`is one block, ${what}`, () => {
      assert.deepEqual(shown(source), { blocks: [inner], beside: "Here: █ Done." });
      const longer = withLongerFences(source);
      assert.equal(withLongerFences(longer), longer);
    });
  }

  it("is one block while it is being written, too: text stays in place once it was shown", () => {
    const whole = `Here:\n\n\`\`\`markdown\n${README}\n\`\`\`\n\nDone.`;
    const end = whole.indexOf("\n\nDone.");
    for (let length = whole.indexOf("# Title") + 7; length < end; length++) {
      const { blocks, beside } = shown(whole.slice(0, length));
      assert.equal(blocks.length, 1, whole.slice(0, length));
      assert.equal(beside, "Here: █");
    }
  });

  it("stands in a list", () => {
    const indented = `1. Here:\n\n   \`\`\`markdown\n${README.replace(/^(?=.)/gm, "   ")}\n   \`\`\`\n\n2. Done.`;
    assert.deepEqual(shown(indented).blocks, [README]);
  });

  it("is one block in each part of a long answer", async () => {
    const long = `\`\`\`markdown\n${`${README}\n\n`.repeat(60)}\`\`\`\n\nDone.`;
    const parts = await Array.fromAsync(splitMarkdown(long, (part) => Promise.resolve(part.length < 800)));
    assert.ok(parts.length > 2);
    for (const part of parts) assert.equal(shown(part).blocks.length, 1, part);
    assert.equal(shown(parts.at(-1) ?? "").beside, "█ Done.");
  });
});

describe("code blocks that follow CommonMark", () => {
  for (const source of [
    "```js\na\n```\n\ntext\n\n```py\nb\n```",
    "```\na\n```\ntext\n```\nb\n```",
    "```markdown\n# T\n```\n\ntext\n\n```js\nb\n```",
    "```markdown\n# T\n```\ntext\n```markdown\n# U\n```",
    "```js\nconst a = `\n```lang\n`;\n```",
    "```js\nunfinished",
    "```markdown\n# T",
    "~~~\n```\n~~~\n",
    "``` not `a` fence\ntext\n```\n",
    "text ``` and ``` text",
    `${"`".repeat(40)}\na\n${"`".repeat(40)}`,
  ]) {
    it(`stay so: ${JSON.stringify(source)}`, () => assert.equal(withLongerFences(source), source));
  }

  it("take linear time, however many there are", () => {
    for (const piece of ["```markdown\n", "```\n", "```\nx\n", "\n```\nx\n", "```js\n", "~~~md\n```x\n"]) {
      const text = piece.repeat(200_000 / piece.length);
      const started = performance.now();
      withLongerFences(text);
      assert.ok(performance.now() - started < 1_000, piece);
    }
  });

  it("end before the bridge's words below an answer that was cut off in one", () => {
    assert.equal(shown(withNote("Here:\n```js\nlet a", "It was cut off.")).beside, "Here: █ It was cut off.");
    assert.equal(shown(withNote("```js\nlet a\n```", "It was cut off.")).beside, "█ It was cut off.");
    assert.equal(withNote("words", "It was cut off."), "words\n\n*It was cut off.*");
  });
});
