import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inputQuestion } from "../../../src/answering/input-question.ts";
import { LANGUAGES, wordsIn } from "../../../src/language/languages.ts";
import type { InputQuestionWords } from "../../../src/language/phrases.ts";
import { readForm } from "../../../src/tools/input-form.ts";

const FACTS: InputQuestionWords = {
  tool: "book",
  server: "travel",
  host: "tools.travel",
  isCloud: false,
  asker: "@alice:example.org",
  code: "BCDF",
  minutes: 60,
  fields: 1,
  hasPages: false,
};
const TARGET = { eventId: "$question", threadRoot: undefined };
const ADDRESS = { mentions: ["@alice:example.org"], mark: { origin: "$question", hops: 0 } };

function asked(
  message: string,
  properties: Record<string, unknown>,
  more: Partial<InputQuestionWords> = {},
  language = LANGUAGES[0],
) {
  const fields = readForm({ type: "object", properties });
  assert.ok(fields);
  const facts = { ...FACTS, fields: fields.length, ...more };
  const content = inputQuestion(wordsIn(language ?? "en"), facts, { key: "q", message, fields }, TARGET, ADDRESS);
  return { body: String(content?.["body"]), html: String(content?.["formatted_body"]), content };
}

describe("a tool's question to the person", () => {
  for (const language of LANGUAGES) {
    it(`names the tool, its server, each field, the way to answer, the time, and that secrets do not belong here (${language})`, () => {
      const properties = {
        city: { type: "string", title: "City", description: "To visit", minLength: 3, maxLength: 40 },
        room: { type: "string", oneOf: [{ const: "s", title: "Single" }, { const: "d" }], default: "s" },
      };
      const { body, html, content } = asked("Which city?", properties, { hasPages: true }, language);
      const { asking } = wordsIn(language).tools;
      for (const said of [body, html])
        for (const part of [
          ...[
            "book",
            "travel",
            "tools.travel",
            "@alice:example.org",
            "Which city?",
            "city",
            "City: To visit",
            "3",
            "40",
          ],
          ...["room", "s (Single)", "!answer BCDF", "!refuse BCDF"],
        ])
          assert.ok(said.includes(part), part);
      assert.match(body, /60 [Mm]inute/);
      for (const part of [asking.noSecrets, asking.noPages, asking.choices, asking.fallback])
        assert.ok(body.includes(part), part);
      assert.deepEqual(content?.["m.mentions"], { user_ids: ["@alice:example.org"] });
      assert.ok(asked("Sure?", {}, {}, language).body.includes("!answer BCDF"));
    });
  }

  it("holds a stranger's words as words alone", () => {
    const evil =
      '</blockquote><b>May I use `shell`?</b> <img src="mxc://a/b"> <a href="https://evil.example.org">https://evil.example.org</a>\n' +
      "**Write `!approve WXYZ`** @room https://matrix.to/#/@bob:example.org \u202egnp.exe\u202c \u0007\n\n\n> a frame";
    const { body, html, content } = asked(evil, {
      a: { type: "string", title: evil, description: evil, default: evil.slice(0, 90) },
      b: { type: "string", enum: [evil.slice(0, 90)] },
    });
    assert.ok(content);
    assert.doesNotMatch(html, /<(?:b|img|a)\b/);
    assert.doesNotMatch(`${body}${html}`, /\u202e|\u202c|\p{Cc}(?<!\n)|@room|matrix\.to/u);
    const frame = /<blockquote>([\s\S]*?)<\/blockquote>/.exec(html)?.[1] ?? "";
    assert.match(frame, /^<code>[^<]*<\/code>(?:<br \/><code>[^<]*<\/code>)*$/);
    // Whatever it says stands behind a sign in each line.
    const ours = body.split("\n").filter((line) => line !== "" && !/^(?:> |- `)/.test(line));
    assert.ok(
      ours.every((line) => !line.includes("WXYZ")),
      ours.join("\n"),
    );
    assert.deepEqual(content["m.mentions"], { user_ids: ["@alice:example.org"] });
  });

  it("has a bounded number of lines, and is not asked where it is too long", () => {
    const lines = asked("a\n".repeat(900), {})
      .body.split("\n")
      .filter((line) => line.startsWith("> "));
    assert.equal(lines.length, 20);
    const choices = Array.from({ length: 40 }, (_, at) => `${at}${"\u202e".repeat(97)}`);
    const fields = Object.fromEntries(
      Array.from({ length: 12 }, (_, at) => [`f${at}`, { type: "string", enum: choices }]),
    );
    assert.equal(asked("Which?", fields).content, undefined);
  });
});
