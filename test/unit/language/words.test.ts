import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeMissingKey } from "../../../src/conversation/notices.ts";
import { LANGUAGES, wordsIn, type Language } from "../../../src/language/language.ts";
import type { FailureWord } from "../../../src/language/words.ts";

const WHAT_TO_DO: Readonly<Record<Language, RegExp>> = {
  en: /again|ask your admin/,
  de: /noch einmal|deinen? Admin/,
};

const FAILED = { agent: "Llama", model: "llama3.2:3b", provider: "local" };

for (const language of LANGUAGES) {
  const words = wordsIn(language);

  describe(`the notice of a failed turn, in ${language}`, () => {
    const notices = (Object.keys(words.failures) as FailureWord[]).map((code) => ({
      code,
      text: words.failures[code](FAILED),
    }));

    for (const { code, text } of notices) {
      it(`for ${code} is short, names the agent and says what to do`, () => {
        assert.ok(text.length <= 260, String(text.length));
        assert.match(text, /Llama/);
        assert.match(text, WHAT_TO_DO[language]);
        assert.doesNotMatch(text, /https?:|undefined|Error|_/);
      });
    }

    it("differs for each failure", () => {
      assert.equal(new Set(notices.map(({ text }) => text)).size, notices.length);
    });

    it("names the model that is missing", () => {
      assert.match(words.failures.model_missing(FAILED), /llama3\.2:3b.*local/);
    });
  });

  describe(`the notice of a missing key, in ${language}`, () => {
    it("says what to do, by the reason that the sender's app gave", () => {
      const texts = [undefined, "m.unverified", "m.blacklisted", "m.no_olm", "org.example.whatever"].map((code) =>
        describeMissingKey(words, "Llama", code),
      );
      for (const text of texts) {
        assert.match(text, /^Llama (can't read|kann diese Nachricht)/);
        assert.match(text, WHAT_TO_DO[language]);
        assert.doesNotMatch(text, /m\.|org\.|undefined|_/);
        assert.ok(text.length <= 270);
      }
      assert.equal(new Set(texts).size, 4, "an unknown reason is told like none");
      assert.match(texts[1] ?? "", /[Vv]erif/);
    });
  });
}

describe("the languages", () => {
  it("say everything differently", () => {
    const said = (value: unknown, path: string): [string, string][] =>
      typeof value === "string"
        ? [[path, value]]
        : typeof value === "object" && value !== null
          ? Object.entries(value).flatMap(([name, part]) => said(part, `${path}.${name}`))
          : [];
    const german = new Map(said(wordsIn("de"), ""));
    // The forms of commands, and words that are the same in both.
    const same = said(wordsIn("en"), "").filter(
      ([path, text]) => german.get(path) === text && !path.endsWith(".usage"),
    );
    assert.deepEqual(same, []);
  });
});
