import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { splitMarkdown } from "../../../src/conversation/split.ts";

const within = (limit: number) => (part: string) => part.length <= limit;

function words(text: string): string {
  return text.replaceAll("```ts", "").replaceAll("```", "").replace(/\s+/g, " ").trim();
}

describe("an answer that is too large for one event", () => {
  it("stays whole when it is not", () => {
    assert.deepEqual(splitMarkdown("short", within(10)), ["short"]);
  });

  it("is cut between paragraphs, and nothing is lost", () => {
    const text = Array.from({ length: 30 }, (_, index) => `Paragraph ${index} ${"lorem ".repeat(10)}`).join("\n\n");
    const parts = splitMarkdown(text, within(400));
    assert.ok(parts.length > 3);
    for (const part of parts) {
      assert.ok(part.length <= 400);
      assert.match(part, /^Paragraph/);
    }
    assert.equal(words(parts.join(" ")), words(text));
  });

  it("closes a code block that it cuts, and opens it again", () => {
    const code = Array.from({ length: 60 }, (_, index) => `const line${index} = ${index};`).join("\n");
    const text = `Look:\n\n\`\`\`ts\n${code}\n\`\`\`\n\nThat was it.`;
    const parts = splitMarkdown(text, within(300));
    assert.ok(parts.length > 3);
    for (const part of parts) {
      assert.ok(part.length <= 300);
      assert.equal((part.match(/^```/gm) ?? []).length % 2, 0, part);
    }
    assert.ok(parts.slice(1, -1).every((part) => part.startsWith("```ts\n")));
    assert.equal(words(parts.join("\n")), words(text));
  });

  it("is cut anywhere when it has no border, but never through a character", () => {
    const text = "😀".repeat(500);
    const parts = splitMarkdown(text, within(101));
    assert.ok(parts.every((part) => part.isWellFormed() && part.length <= 101));
    assert.equal(parts.join(""), text);
  });

  it("comes to an end, whatever fits", () => {
    for (const text of ["```", "```\n```\n```", "\n\n\n", " a ", "a\n\nb", `\`\`\`ts\n${"x".repeat(50)}`]) {
      assert.ok(splitMarkdown(text, () => false).length <= text.length + 1, JSON.stringify(text));
      assert.ok(splitMarkdown(text, within(1)).length <= text.length + 1, JSON.stringify(text));
    }
  });
});
