import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { takesText, writtenCommand } from "../../../src/addressing/written-command.ts";
import { COMMANDS, commandNamed } from "../../../src/commands/all.ts";
import { exampleOf, formOf } from "../../../src/commands/form.ts";
import { readCommand } from "../../../src/commands/read-command.ts";
import { LANGUAGES, wordsIn } from "../../../src/language/languages.ts";
import { SETTING_NAMES } from "../../../src/rooms/settings.ts";

describe("each command", () => {
  it("has a unique name, by which it is found", () => {
    for (const command of COMMANDS) assert.equal(commandNamed(command.name), command);
    assert.equal(commandNamed("constructor"), undefined);
    for (const name of SETTING_NAMES) assert.ok(commandNamed(name) !== undefined, name);
  });

  for (const command of COMMANDS) {
    it(`has an example that is right: ${exampleOf(command)}`, () => {
      const written = writtenCommand(exampleOf(command));
      assert.deepEqual(written, { name: command.name, rest: command.example ?? "" });
      const read = readCommand(written);
      assert.ok(read.kind === "right" && read.command === command);
    });

    it(`has words in every language: ${command.name}`, () => {
      for (const words of LANGUAGES.map(wordsIn)) {
        assert.match(command.meaning(words), /\S/);
        assert.ok(formOf(words, command).startsWith(`!${command.name}`));
        assert.doesNotMatch(formOf(words, command), /undefined|\[ |\[\|/);
        for (const { key } of command.parameters ?? []) assert.match(words.parameters[key], /\S/);
      }
    });

    it(`takes free text where anything may follow it: ${command.name}`, () => {
      const code = command.name === "answer" ? "BCDF " : "";
      const isRight = readCommand({ name: command.name, rest: `${code}Xyzzy, free words!` }).kind === "right";
      assert.equal(takesText({ name: command.name, rest: "" }), isRight);
    });

    it(`names its arguments in the menu where it has any: ${command.name}`, () => {
      assert.equal(command.takes !== undefined, command.parameters !== undefined);
    });
  }

  it("needs no agent's name where it ends answers, or decides a question that an agent asked", () => {
    const bare = COMMANDS.filter(({ isBare }) => isBare === true).map(({ name }) => name);
    assert.deepEqual(bare, ["stop", "privacy", "approve", "answer", "refuse"]);
  });
});
