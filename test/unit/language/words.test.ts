import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeMissingKey } from "../../../src/answering/notices.ts";
import { valueInWords } from "../../../src/commands/setting-words.ts";
import { DEFAULT_LANGUAGE, LANGUAGES, wordsIn, type Language } from "../../../src/language/languages.ts";
import type { TurnFailure } from "../../../src/language/failures.ts";
import { phrasesOf } from "../../support/phrases.ts";

/** Words by which the tests recognise what a notice in a language says. */
interface Signs {
  readonly whatToDo: RegExp;
  readonly please: RegExp;
  readonly cantRead: RegExp;
  /** A plural after a 1. */
  readonly wrongPlural: RegExp;
  /** The number 1.2, and a half. */
  readonly numbers: readonly [RegExp, string];
  /** The names of German and English. */
  readonly names: readonly [string, string];
}

const SIGNS: Readonly<Record<Language, Signs>> = {
  en: {
    whatToDo: /again|ask your admin|`!forget`/,
    please: /Please/,
    cantRead: /^Llama can't read/,
    wrongPlural: /\b1 (?:turns|questions|tokens|members|requests|days|minutes)\b/,
    numbers: [/1\.2 MB/, "0.5"],
    names: ["German", "English"],
  },
  de: {
    whatToDo: /noch einmal|deinen? Admin|`!forget`/,
    please: /[Bb]itte/,
    cantRead: /^Llama kann diese Nachricht/,
    wrongPlural: /\b1 (?:Beiträge|Fragen|Tokens|Mitgliedern|Anfragen|Tagen|Minuten)\b/,
    numbers: [/1,2 MB/, "0,5"],
    names: ["Deutsch", "Englisch"],
  },
};

const FAILED = { agent: "Llama", model: "llama3.2:3b", provider: "local", call: "" };

for (const language of LANGUAGES) {
  const words = wordsIn(language);
  const signs = SIGNS[language];

  describe(`the notice of a failed turn, in ${language}`, () => {
    const notices = (Object.keys(words.failures) as TurnFailure[]).map((code) => ({
      code,
      text: words.failures[code](FAILED),
    }));

    for (const { code, text } of notices) {
      it(`for ${code} is short, names the agent and says what to do`, () => {
        assert.ok(text.length <= 260, String(text.length));
        assert.match(text, /Llama/);
        assert.match(text, signs.whatToDo);
        assert.doesNotMatch(text, /https?:|undefined|Error|_/);
      });
    }

    it("offers to ask again by a reaction where that may help, and nowhere else", () => {
      const offering = notices.filter(({ text }) => text.includes("🔁")).map(({ code }) => code);
      assert.deepEqual(
        new Set(offering),
        new Set([
          ...["unreachable", "timeout", "cut_off", "refused", "busy", "empty", "cancelled", "fell_silent", "ran_on"],
          ...["waited", "full", "unknown", "too_long"],
        ]),
      );
      assert.match(words.tooMany("Llama", "user", 90, true), /🔁/);
      assert.doesNotMatch(words.tooMany("Llama", "user", 90, false), /🔁/);
    });

    it("of a file that can't be read is short, names the agent and says what to do", () => {
      for (const [kind, say] of Object.entries(words.unread)) {
        const notice = say("Llama");
        assert.ok(notice.length <= 260, kind);
        assert.match(notice, /^Llama /);
        assert.match(notice, signs.please);
      }
    });

    it("uses the singular for one of anything", () => {
      const one = [
        words.commands.discuss.discussing(["Llama"], 1, ""),
        words.commands.usage.asked({ questions: 1, tokens: 1 }, { questions: 1, tokens: 1 }),
        words.commands.usage.left("requests", 0, 1),
        words.commands.usage.left("tokens", 0, 1),
        words.roomTooLarge("Llama", 1),
        words.commands.privacy.sent({ agent: "Llama", provider: "local", host: "h" }, 1, "1.2 MB", false),
        words.commands.privacy.lastDays(1),
        words.tooMany("Llama", "user", 1, true),
      ].join("\n");
      assert.doesNotMatch(one, signs.wrongPlural);
      assert.match(one, signs.numbers[0]);
    });

    it("names languages in words, and writes numbers as usual in its own language", () => {
      assert.deepEqual(
        ["de", "en"].map((code) => valueInWords(words, "language", code)),
        signs.names,
      );
      assert.doesNotMatch(valueInWords(words, "language", "auto"), /auto/);
      assert.equal(valueInWords(words, "temperature", "0.5"), signs.numbers[1]);
      assert.equal(valueInWords(words, "system", "v0.5 de"), "v0.5 de");
    });

    it("says exactly what to write where nothing has to be filled in", () => {
      assert.doesNotMatch(words.wrongForm("!status", undefined), /undefined|example|Beispiel/);
    });

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
        assert.match(text, signs.cantRead);
        assert.match(text, signs.whatToDo);
        assert.doesNotMatch(text, /m\.|org\.|undefined|_/);
        assert.ok(text.length <= 270);
      }
      assert.equal(new Set(texts).size, 4, "an unknown reason is told like none");
      assert.match(texts[1] ?? "", /[Vv]erif/);
    });
  });
}

describe("the languages", () => {
  it("are on first-name terms with one person at a time, in German", () => {
    for (const { path, text } of phrasesOf(wordsIn("de")))
      assert.doesNotMatch(text, /\b(?:[Ii]hr|[Ee]uch|[Ee]ure[nrms]?|[Ss]eid|Sie haben|Ihnen)\b/, path);
  });

  for (const language of LANGUAGES.filter((one) => one !== DEFAULT_LANGUAGE)) {
    it(`differ in every text: ${language}`, () => {
      const translated = new Map(phrasesOf(wordsIn(language)).map(({ path, text }) => [path, text]));
      const same = phrasesOf(wordsIn(DEFAULT_LANGUAGE)).filter(({ path, text }) => translated.get(path) === text);
      // The words that commands take, in all languages.
      assert.deepEqual(
        same.filter(({ path }) => !path.endsWith(".takes")),
        [],
      );
    });
  }

  for (const language of LANGUAGES) {
    it(`say everything in a few words, with every part filled in: ${language}`, () => {
      const phrases = phrasesOf(wordsIn(language));
      assert.ok(phrases.length > 280, String(phrases.length));
      for (const { path, text } of phrases) {
        const [, most = 260] = LONGER.find(([begin]) => path.startsWith(begin)) ?? [];
        assert.ok(text.length <= most, `${path} has ${text.length} characters`);
        assert.notEqual(text, "", path);
        assert.doesNotMatch(text, /https?:|undefined|null|NaN|Error|\[object|_| {2}|\s$/, path);
      }
    });
  }
});

/** Phrases that may be longer than a notice, with the most characters that each may have. */
const LONGER: readonly (readonly [string, number])[] = [
  [".beforeWelcome.", 380],
  [".bot.help", 340],
  // With the link itself, and what to do at its end.
  [".commands.tools.signIn.link", 300],
  [".consent.ask.", 600],
  [".distrust.", 280],
];
