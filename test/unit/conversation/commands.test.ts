import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  describeCommands,
  FORMS,
  readCommand,
  writtenCommand,
  type Command,
} from "../../../src/conversation/commands.ts";

function read(text: string): Command | undefined {
  const written = writtenCommand(text);
  return written && readCommand(written);
}

describe("a command", () => {
  it("begins with an exclamation mark and a word, whatever its case", () => {
    assert.deepEqual(writtenCommand("  !Model  llama3.2:3b \n"), { name: "model", rest: "llama3.2:3b" });
    assert.deepEqual(writtenCommand("!system Be\nbrief."), { name: "system", rest: "Be\nbrief." });
    for (const text of ["help", "!", "! help", "!!", "!?", "!1", "no !help", "!привет", "\u200b!help", "!help!"]) {
      assert.equal(writtenCommand(text), undefined, text);
    }
  });

  it("sets, shows and takes back", () => {
    assert.deepEqual(read("!temperature 0.25"), { kind: "set", setting: "temperature", value: "0.25" });
    assert.deepEqual(read("!temperature"), { kind: "show", setting: "temperature" });
    assert.deepEqual(read("!temperature default"), { kind: "set", setting: "temperature", value: undefined });
    assert.deepEqual(read("!respond all"), { kind: "set", setting: "respond", value: "all" });
    assert.deepEqual(read("!remember nothing"), { kind: "set", setting: "remember", value: undefined });
    assert.deepEqual(read("!stop"), { kind: "stop" });
  });

  it("that is written wrongly says the right form and an example", () => {
    for (const text of [
      "!temperature warm",
      "!temperature 2.5",
      "!temperature -1",
      "!respond always",
      "!stream ON",
      "!stop it",
      "!forget all",
    ]) {
      const command = read(text);
      assert.equal(command?.kind, "wrong", text);
      assert.match(command.words, /^Please write it so: `!\w+.*`, for example `!\w+/);
    }
    assert.match((read("!dance") as { words: string }).words, /I don't know `!dance`.*`!help`/);
    assert.equal(read(`!system ${"x".repeat(4_001)}`)?.kind, "wrong");
    assert.equal(read("!constructor")?.kind, "wrong");
  });

  it("has an example that is right, and is in the help", () => {
    const help = describeCommands();
    for (const [name, { usage, example }] of Object.entries(FORMS)) {
      assert.notEqual(read(example)?.kind, "wrong", example);
      assert.ok(help.includes(usage) && usage.startsWith(`!${name}`));
    }
  });
});
