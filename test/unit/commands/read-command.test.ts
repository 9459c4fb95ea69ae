import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { writtenCommand } from "../../../src/addressing/written-command.ts";
import { describeMisspelt, readCommand, type Misspelt } from "../../../src/commands/read-command.ts";
import { wordsIn } from "../../../src/language/languages.ts";

const ENGLISH = wordsIn("en");

/** The command in a text with its argument, or the reason why it is none. */
function read(text: string): object | undefined {
  const written = writtenCommand(text);
  if (written === undefined) return undefined;
  const command = readCommand(written);
  return command.kind === "right" ? { command: command.command.name, argument: command.argument } : command;
}

function set(command: string, value: string | undefined): object {
  return { command, argument: { kind: "set", value } };
}

function misspelt(text: string): Misspelt {
  const written = writtenCommand(text);
  assert.ok(written !== undefined, text);
  const command = readCommand(written);
  assert.ok(command.kind !== "right", text);
  return command;
}

describe("a command", () => {
  it("may be written as a notice shows it, and as phones write it", () => {
    for (const text of [
      "!privacy allow",
      "!Privacy Allow",
      "!PRIVACY ALLOW.",
      "`!privacy allow`",
      "`!privacy allow`.",
      "``!privacy allow``",
      "**!privacy allow**",
      '"!privacy allow"',
      "“!privacy allow”",
      "„!privacy allow“",
      "«!privacy allow»",
      "`!privacy` allow",
      "！privacy allow",
      "!privacy `allow`",
      "!privacy  allow …",
    ])
      assert.deepEqual(read(text), { command: "privacy", argument: "allow" }, text);
    for (const text of ["!help.", "!Help?", "`!help`", "`!help`.", " ```!help``` ", "!help …"])
      assert.deepEqual(read(text), { command: "help", argument: undefined }, text);
    assert.deepEqual(read("!privacy Default."), { command: "privacy", argument: "default" });
    assert.deepEqual(read("!privacy"), { command: "privacy", argument: undefined });
    assert.deepEqual(read("`!stop`"), { command: "stop", argument: undefined });
    assert.deepEqual(read("!Stream OFF."), set("stream", "off"));
    assert.deepEqual(read("!temperature 0,5"), set("temperature", "0.5"));
    assert.deepEqual(read("!model `Llama3.2:3b`"), set("model", "Llama3.2:3b"));
    assert.deepEqual(read("!model Default"), set("model", undefined));
    // Free text stays as it is.
    assert.deepEqual(read('!system Say "hi".'), set("system", 'Say "hi".'));
    assert.deepEqual(read("!remember `x` is y."), set("remember", "`x` is y."));
    assert.deepEqual(read("!remember Nothing."), set("remember", undefined));
    assert.deepEqual(read("!remember default"), set("remember", "default"));
    for (const text of ["`help`", "` !`", "_help_", "`code` !help", "!help, please", "!!help"])
      assert.notDeepEqual(read(text), { command: "help", argument: undefined }, text);
  });

  it("sets, shows and resets a setting", () => {
    assert.deepEqual(read("!temperature 0.25"), set("temperature", "0.25"));
    assert.deepEqual(read("!temperature"), { command: "temperature", argument: { kind: "show" } });
    assert.deepEqual(read("!temperature default"), set("temperature", undefined));
    assert.deepEqual(read("!respond all"), set("respond", "all"));
    assert.deepEqual(read("!remember nothing"), set("remember", undefined));
  });

  it("that is written wrongly gets the right form and an example", () => {
    for (const text of [
      "!temperature warm",
      "!temperature 2.5",
      "!temperature -1",
      "!respond always",
      "!stream ON",
      "!stop it",
      "!forget all",
      "!privacy maybe",
      "!discuss",
    ]) {
      const command = misspelt(text);
      assert.equal(command.kind, "wrong", text);
      assert.match(
        describeMisspelt(ENGLISH, command),
        /^Please write (?:it like this: `!\w+.*`, for example `!\w+|just `!\w+`, with nothing after it)/,
      );
    }
    assert.equal(
      describeMisspelt(ENGLISH, misspelt("!stream always"), "@llama "),
      "Please write it like this: `@llama !stream [edit | replace | live | off | default]`, for example `@llama !stream off`.",
    );
    assert.match(describeMisspelt(ENGLISH, misspelt("!dance")), /I don't know `!dance`.*`!help`/);
    const long = misspelt(`!system ${"x".repeat(4_001)}`);
    assert.equal(long.kind, "too_long");
    assert.match(describeMisspelt(ENGLISH, long), /4001 characters.*4000/);
    assert.equal(misspelt("!constructor").kind, "unknown");
  });

  it("begins a discussion, with its number of turns", () => {
    const discussion = (turns: number | undefined, rest: string): object => ({
      command: "discuss",
      argument: { turns, rest },
    });
    assert.deepEqual(read("!discuss 6 qwen Is water wet?"), discussion(6, "qwen Is water wet?"));
    assert.deepEqual(read("!discuss qwen 6 questions"), discussion(undefined, "qwen 6 questions"));
    assert.equal(misspelt(`!discuss qwen ${"x".repeat(4_001)}`).kind, "too_long");
  });
});
