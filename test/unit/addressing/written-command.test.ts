import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ownWords, writtenCommand } from "../../../src/addressing/written-command.ts";

describe("a command", () => {
  it("begins with an exclamation mark and a word, whatever its case", () => {
    assert.deepEqual(writtenCommand("  !Model  llama3.2:3b \n"), { name: "model", rest: "llama3.2:3b" });
    assert.deepEqual(writtenCommand('`!system Say "hi" to all`'), { name: "system", rest: 'Say "hi" to all' });
    for (const quotation of ['"!privacy allow" she said', "`!forget what` does this do?", '"!stop it']) {
      assert.equal(writtenCommand(quotation), undefined, quotation);
    }
    assert.deepEqual(writtenCommand("!system Be\nbrief."), { name: "system", rest: "Be\nbrief." });
    for (const text of ["help", "!", "! help", "!!", "!?", "!1", "no !help", "!привет", "\u200b!help", "!help!"]) {
      assert.equal(writtenCommand(text), undefined, text);
    }
  });

  it("has words in other languages where it takes them, and nowhere else", () => {
    for (const name of ["system", "remember", "discuss"]) assert.equal(ownWords({ name, rest: "Hallo" }), "Hallo");
    for (const name of ["model", "language", "help", "nonsense"]) assert.equal(ownWords({ name, rest: "Hallo" }), "");
  });
});
