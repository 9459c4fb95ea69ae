import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { splitMarkdown } from "../../../src/text/split.ts";

/** All parts. */
function split(text: string, fits: (part: string) => boolean): Promise<string[]> {
  return Array.fromAsync(splitMarkdown(text, (part) => Promise.resolve(fits(part))));
}

const within = (limit: number) => (part: string) => part.length <= limit;

function words(text: string): string {
  return text.replaceAll("```ts", "").replaceAll("```", "").replace(/\s+/g, " ").trim();
}

/** Whether a text of backtick fences ends inside a code block: a fence with a language opens, but never closes. */
function endsInCode(text: string): boolean {
  let open: string | undefined;
  for (const line of text.split("\n")) {
    const [, marker = "", info = ""] = /^(`{3,})([^`]*)$/.exec(line) ?? [];
    if (marker === "") continue;
    if (open === undefined) open = marker;
    else if (info.trim() === "" && marker.startsWith(open)) open = undefined;
  }
  return open !== undefined;
}

describe("an answer that is too large for one event", () => {
  it("stays whole when it is not too large", async () => {
    assert.deepEqual(await split("short", within(10)), ["short"]);
  });

  it("is cut between paragraphs, and nothing is lost", async () => {
    const text = Array.from({ length: 30 }, (_, index) => `Paragraph ${index} ${"lorem ".repeat(10)}`).join("\n\n");
    const parts = await split(text, within(400));
    assert.ok(parts.length > 3);
    for (const part of parts) {
      assert.ok(part.length <= 400);
      assert.match(part, /^Paragraph/);
    }
    assert.equal(words(parts.join(" ")), words(text));
  });

  it("closes a code block that it cuts, and opens it again", async () => {
    const code = Array.from({ length: 60 }, (_, index) => `const line${index} = ${index};`).join("\n");
    const text = `Look:\n\n\`\`\`ts\n${code}\n\`\`\`\n\nThat was it.`;
    const parts = await split(text, within(300));
    assert.ok(parts.length > 3);
    for (const part of parts) {
      assert.ok(part.length <= 300);
      assert.equal((part.match(/^```/gm) ?? []).length % 2, 0, part);
    }
    assert.ok(parts.slice(1, -1).every((part) => part.startsWith("```ts\n")));
    assert.equal(words(parts.join("\n")), words(text));
  });

  it("is cut anywhere when it has no boundary, but never inside a character", async () => {
    const text = "😀".repeat(500);
    const parts = await split(text, within(101));
    assert.ok(parts.every((part) => part.isWellFormed() && part.length <= 101));
    assert.equal(parts.join(""), text);
  });

  it("is split to its end, however little fits", async () => {
    for (const text of ["```", "```\n```\n```", "\n\n\n", " a ", "a\n\nb", `\`\`\`ts\n${"x".repeat(50)}`]) {
      assert.ok((await split(text, () => false)).length <= text.length + 1, JSON.stringify(text));
      assert.ok((await split(text, within(1))).length <= text.length + 1, JSON.stringify(text));
    }
  });

  it("keeps fences of any kind, and their content", async () => {
    const inner = Array.from({ length: 10 }, (_, index) => `\`\`\`\nline ${index}\n\`\`\``).join("\n");
    const nested = await split(`\`\`\`\`md\n${inner}\n\`\`\`\`\nend`, within(60));
    assert.ok(nested.length > 3);
    for (const part of nested.slice(0, -1)) assert.match(part, /^````md\n[^]*\n````$/);
    const tildes = await split(`~~~\n${"code line\n".repeat(10)}~~~\nend`, within(60));
    for (const part of tildes) assert.equal((part.match(/^~~~$/gm) ?? []).length, part === "end" ? 0 : 2, part);
  });

  it("makes no thousands of parts when a fence never ends its first line", async () => {
    for (const text of [`\`\`\`${"a".repeat(40_000)}`, "`".repeat(40_000), `${"~".repeat(40_000)}\ncode`]) {
      const parts = await split(text, within(32_000));
      assert.ok(parts.length <= 3, `${parts.length} parts`);
      assert.ok(parts.every((part) => part.length <= 32_000));
    }
  });

  it("has no empty parts, and no empty code blocks", async () => {
    const text = `a\n\n${" ".repeat(300)}${"\n\nb".repeat(60)}\n\`\`\`ts\n${"code\n".repeat(50)}\`\`\``;
    for (let limit = 20; limit < 120; limit++) {
      for (const part of await split(text, within(limit))) {
        assert.notEqual(part.trim(), "");
        assert.doesNotMatch(part, /^```ts\n```/, `limit ${limit}`);
      }
    }
  });

  it("keeps its promises for any text", async () => {
    let state = 42;
    const random = (limit: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * limit);
    };
    const tokens = [
      "word ",
      "\n",
      "\n\n",
      "😀",
      "\n```ts\n",
      "\n```\n",
      "x".repeat(30),
      "  ",
      "漢字",
      "- item\n",
      "`code` ",
    ];
    for (let round = 0; round < 500; round++) {
      const text = Array.from({ length: 5 + random(80) }, () => tokens[random(tokens.length)] ?? "")
        .join("")
        .trim();
      const limit = 40 + random(200);
      const parts = await split(text, within(limit));
      for (const part of parts) {
        assert.ok(part.length <= limit, `round ${round}: ${part.length} of ${limit}`);
        assert.ok(part.isWellFormed());
        if (parts.length > 1 && part !== parts.at(-1)) {
          assert.ok(!endsInCode(part), `round ${round}: ${part}`);
        }
      }
      const letters = (all: string): string => all.replace(/`{3,}(ts)?|\s/g, "");
      assert.equal(letters(parts.join("\n")), letters(text), `round ${round}`);
    }
    assert.ok((await split("😀😀😀", () => false)).every((part) => part.isWellFormed()));
  });

  it("takes time proportional to the answer, however little of it fits", async () => {
    const line = `${"- ".repeat(40)}a\n`;
    const looked = async (size: number, most: number): Promise<number> => {
      let characters = 0;
      const fits = (part: string): boolean => {
        characters += part.length;
        return part.length <= most;
      };
      assert.ok((await split(line.repeat(size / line.length), fits)).length > 1);
      return characters;
    };
    for (const most of [300, 3_700, 18_000]) {
      const [small, large] = [await looked(32_768, most), await looked(262_144, most)];
      assert.ok(large <= 10 * small, `${small} → ${large} characters`);
      assert.ok(large <= 6 * 262_144, `${large} characters`);
    }
  });
});
