import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  commandsFor,
  describeCommands,
  describeMisspelt,
  EXAMPLES,
  readCommand,
  type Command,
} from "../../../src/commands/commands.ts";
import { writtenCommand } from "../../../src/addressing/written-command.ts";

import { english } from "../../../src/language/english.ts";
import { german } from "../../../src/language/german.ts";
import type { CommandWord } from "../../../src/language/words.ts";

function read(text: string): Command | undefined {
  const written = writtenCommand(text);
  return written && readCommand(written);
}

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

  it("may be written as a notice shows it, and as phones write", () => {
    const allow = { kind: "privacy", decision: "allow" };
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
      assert.deepEqual(read(text), allow, text);
    for (const text of ["!help.", "!Help?", "`!help`", "`!help`.", " ```!help``` ", "!help …"])
      assert.deepEqual(read(text), { kind: "help" }, text);
    assert.deepEqual(read("!privacy Default."), { kind: "privacy", decision: "default" });
    assert.deepEqual(read("`!stop`"), { kind: "stop" });
    assert.deepEqual(read("!Stream OFF."), { kind: "set", setting: "stream", value: "off" });
    assert.deepEqual(read("!temperature 0,5"), { kind: "set", setting: "temperature", value: "0.5" });
    assert.deepEqual(read("!model `Llama3.2:3b`"), { kind: "set", setting: "model", value: "Llama3.2:3b" });
    assert.deepEqual(read("!model Default"), { kind: "set", setting: "model", value: undefined });
    // Words of people's own stay as they are.
    assert.deepEqual(read('!system Say "hi".'), { kind: "set", setting: "system", value: 'Say "hi".' });
    assert.deepEqual(read("!remember `x` is y."), { kind: "set", setting: "remember", value: "`x` is y." });
    assert.deepEqual(read("!remember Nothing."), { kind: "set", setting: "remember", value: undefined });
    for (const text of ["`help`", "` !`", "_help_", "`code` !help", "!help, please", "!!help"])
      assert.equal(read(text)?.kind === "help", false, text);
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
      assert.match(
        describeMisspelt(english, command),
        /^Please write (?:it so: `!\w+.*`, for example `!\w+|just `!\w+`, with nothing behind it)/,
      );
    }
    const dance = read("!dance");
    assert.equal(dance?.kind, "unknown");
    assert.match(describeMisspelt(english, dance), /I don't know `!dance`.*`!help`/);
    const long = read(`!system ${"x".repeat(4_001)}`);
    assert.equal(long?.kind, "too_long");
    assert.match(describeMisspelt(english, long), /4001 characters.*4000/);
    assert.equal(read("!constructor")?.kind, "unknown");
  });

  it("begins a discussion, of as many turns as it says", () => {
    assert.deepEqual(read("!discuss 6 qwen Is water wet?"), { kind: "discuss", turns: 6, rest: "qwen Is water wet?" });
    assert.deepEqual(read("!discuss qwen 6 questions"), {
      kind: "discuss",
      turns: undefined,
      rest: "qwen 6 questions",
    });
    assert.equal(read("!discuss")?.kind, "wrong");
  });

  it("has its place in the help: those for groups are not in a direct chat", () => {
    for (const words of [english, german]) {
      const inGroup = describeCommands(words, false, "@llama ");
      const direct = describeCommands(words, true);
      const titles = Object.values(words.help.titles);
      assert.deepEqual(
        titles.map((title) => [inGroup.includes(`**${title}**`), direct.includes(`**${title}**`)]),
        [
          [true, true],
          [true, true],
          [true, false],
        ],
      );
      for (const name of ["discuss", "respond", "listen", "threads", "delegate"])
        assert.deepEqual([inGroup.includes(`\`!${name}`), direct.includes(`\`!${name}`)], [true, false], name);
      assert.ok(inGroup.startsWith(words.help.before("@llama ")) && inGroup.endsWith(words.help.after));
      assert.ok(!direct.includes(words.help.after));
      assert.deepEqual(commandsFor(false).sort(), Object.keys(EXAMPLES).sort(), "each has one place");
    }
  });

  it("has an example that is right, and is in the help", () => {
    for (const words of [english, german]) {
      const help = describeCommands(words, false);
      for (const name of Object.keys(EXAMPLES) as CommandWord[]) {
        const { usage } = words.commands[name];
        assert.ok(["set", "discuss", name].includes(read(EXAMPLES[name])?.kind ?? ""), name);
        assert.ok(help.includes(usage) && usage.startsWith(`!${name}`));
      }
    }
  });
});
