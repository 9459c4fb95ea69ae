import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { spokenLanguage } from "../../../src/language/language.ts";

describe("the language that people speak", () => {
  it("is heard from what they say", () => {
    for (const text of ["What is the capital of France?", "Please sum this up for me, will you?", "how are you"])
      assert.equal(spokenLanguage([text]), "en", text);
    for (const text of ["Was ist die Hauptstadt von Frankreich?", "Kannst du mir helfen?", "Schreib ein Gedicht!"])
      assert.equal(spokenLanguage([text]), "de", text);
    assert.equal(spokenLanguage(["ok", "und wie weit ist es bis nach München?"]), "de");
  });

  it("is not guessed where it is none of ours, or where there is too little", () => {
    for (const text of [
      "",
      "ok",
      "2+2?",
      "👍",
      "Quelle est la capitale de la France?",
      "Hoe gaat het met jou?",
      "привет, как дела?",
    ])
      assert.equal(spokenLanguage([text]), undefined, text);
  });

  it("is not that of code or addresses", () => {
    const code = "```\nwhile the data is there and not yet read: return the first of them\n```";
    assert.equal(spokenLanguage([`Warum geht das nicht? ${code}`]), "de");
    assert.equal(spokenLanguage(["https://example.org/what-is-the-capital-of-france"]), undefined);
  });
});
