import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { COMMANDS } from "../../../src/commands/all.ts";
import { spokenLanguage } from "../../../src/language/spoken-language.ts";

describe("the language that people speak", () => {
  it("is recognised from their messages", () => {
    for (const text of ["What is the capital of France?", "Please sum this up for me, will you?", "how are you"])
      assert.equal(spokenLanguage([text]), "en", text);
    for (const text of ["Was ist die Hauptstadt von Frankreich?", "Kannst du mir helfen?", "Schreib ein Gedicht!"])
      assert.equal(spokenLanguage([text]), "de", text);
    assert.equal(spokenLanguage(["ok", "und wie weit ist es bis nach München?"]), "de");
  });

  it("is recognised from a few words too", () => {
    const english = [
      ...["hello", "hey there", "what's up?", "thanks", "thank you", "tell me about whales", "who are you?", "yes"],
      ...["why is the sky blue", "translate this", "what time is it", "how are you", "good morning", "I need help"],
      ...["write a haiku", "can you sum this up", "more please", "what did I say before?", "tell me a joke"],
      ...["show me the list", "do you know Python?", "fix my code", "It’s wrong"],
    ];
    const german = [
      ...["hallo", "Hallo du", "danke", "wie geht's?", "Wer bist du?", "was kannst du", "nein", "weiter", "und dann?"],
      ...["Erzähl mir was über Wale", "warum ist der Himmel blau", "Guten Morgen", "übersetze das", "mehr bitte"],
      ...["Wie spät ist es", "Schreib ein Haiku", "erkläre das", "Was habe ich gesagt?", "das ist falsch"],
      ...["noch einmal bitte", "Zeig mir die Liste", "kurz bitte", "bist du da?", "hilf mir", "Wo ist Berlin"],
    ];
    for (const text of english) assert.equal(spokenLanguage([text]), "en", text);
    for (const text of german) assert.equal(spokenLanguage([text]), "de", text);
  });

  it("is recognised from messages to a bot", () => {
    for (const text of [
      ...[
        "hallo, was kannst du?",
        "Hilfe",
        "Hilfe!",
        "danke schön, das war sehr hilfreich",
        "was machst du",
        "wo bin ich",
      ],
      ...[
        "was ist das?",
        "Kannst du Deutsch?",
        "Welche Modelle gibt es?",
        "funktioniert das?",
        "sprich deutsch",
        "na du?",
      ],
      ...["hallo Llama", "bitte list", "Wie funktioniert Docker?", "ja, gerne", "nein danke", "alles klar, danke"],
    ])
      assert.equal(spokenLanguage([text]), text === "na du?" ? undefined : "de", text);
    for (const text of ["hello, what can you do?", "thanks, that was very helpful", "who are you", "what is this?"])
      assert.equal(spokenLanguage([text]), "en", text);
  });

  it("is not changed by quotations, or by text that is to be translated", () => {
    for (const text of [
      'Was heißt "what a wonderful world it would be"?',
      "Übersetze bitte „The house that I live in is very old“",
      "Übersetze ins Deutsche: The house that I live in is very old.",
      "> What do you think about that, and why?\n\nDas verstehe ich nicht",
      "Erklär mir «you can't have your cake and eat it»",
    ])
      assert.equal(spokenLanguage([text]), "de", text);
    for (const text of [
      'What does "ich habe dich sehr lieb, mein Schatz" mean?',
      "Translate to English: Das Haus, in dem ich wohne, ist sehr alt.",
      "> Das ist doch nicht schlimm, oder?\n\nwhat do they say?",
    ])
      assert.equal(spokenLanguage([text]), "en", text);
    assert.equal(spokenLanguage(["„Das verstehe ich nicht“"]), "de", "where nothing else is said");
  });

  it("is recognised in linear time", () => {
    const started = performance.now();
    for (const one of ['"', "„", ">", ":", "`", "«", "a:", '"a'])
      spokenLanguage(Array.from({ length: 6 }, () => one.repeat(60_000)));
    assert.ok(performance.now() - started < 2_000, `${performance.now() - started} ms`);
  });

  it("is not guessed from our own commands", () => {
    for (const command of [
      ...COMMANDS.map(({ name }) => name),
      ...["list", "List", "!list", "help", "!help", "pull llama3.2:3b", "privacy allow", "stream off", "respond all"],
    ])
      assert.equal(spokenLanguage([command]), undefined, command);
  });

  it("is not guessed from a few words that are names, or exist in another language as well", () => {
    for (const text of [
      ...[
        "die hard",
        "list files",
        "word word word",
        "git tag",
        "MIT license",
        "das keyboard",
        "von Trapp",
        "Der Spiegel",
      ],
      ...["war and peace", "gut feeling", "bald man", "kind regards", "gift list", "man page", "wall street bank"],
      ...["Angst", "kindergarten", "test test test", "foo bar baz", "ls -la", "lorem ipsum dolor sit amet", "IT"],
      ...[
        "The Witcher",
        "WHO",
        "tag",
        "auf",
        "das das das das das das das das",
        "files files",
        "die die die",
        "rat bat",
      ],
    ])
      assert.notEqual(spokenLanguage([text]), "de", text);
    for (const text of ["IT Abteilung", "The Witcher", "Show", "Right", "Hey", "das Meeting", "Management Team"])
      assert.equal(spokenLanguage([text]), undefined, text);
  });

  it("is not guessed where it is none of ours, or where there is too little text", () => {
    for (const text of [
      "",
      "ok",
      "hi",
      "no",
      "ja",
      "2+2?",
      "👍",
      "bonjour",
      "comment ça va",
      "¿qué tal?",
      "vad heter du",
      "god morgen",
      "wat is dit",
      "こんにちは",
      "Quelle est la capitale de la France?",
      "Hoe gaat het met jou?",
      "привет, как дела?",
    ])
      assert.equal(spokenLanguage([text]), undefined, text);
  });

  it("is not taken from code or addresses", () => {
    const code = "```\nwhile the data is there and not yet read: return the first of them\n```";
    assert.equal(spokenLanguage([`Warum geht das nicht? ${code}`]), "de");
    assert.equal(spokenLanguage(["https://example.org/what-is-the-capital-of-france"]), undefined);
  });

  it("is not guessed from many short messages against their own words", () => {
    const short = ["and?", "odd?", "a tale", "a recipe", "awake?", "rich?", "half?", "die hard"];
    for (let from = 0; from < short.length; from++) {
      assert.notEqual(spokenLanguage(short.slice(from)), "de", short.slice(from).join(" "));
    }
  });
});
