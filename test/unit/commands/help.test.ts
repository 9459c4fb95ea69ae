import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { COMMANDS } from "../../../src/commands/all.ts";
import { formOf } from "../../../src/commands/form.ts";
import { describeCommands } from "../../../src/commands/help.ts";
import { offeredIn } from "../../../src/commands/offered.ts";
import { LANGUAGES, wordsIn } from "../../../src/language/languages.ts";

describe("the help", () => {
  for (const words of LANGUAGES.map(wordsIn)) {
    const { before, titles, after } = words.commands.help;
    const inGroup = describeCommands(words, offeredIn(false, COMMANDS), false, "@llama ");
    const direct = describeCommands(words, offeredIn(true, COMMANDS), true);

    it(`has every command once: “${before("")}”`, () => {
      const lines = inGroup.split("\n");
      for (const command of COMMANDS) {
        const line = `- \`${formOf(words, command)}\`: ${command.meaning(words)}`;
        assert.equal(lines.filter((one) => one === line).length, 1, command.name);
      }
      assert.ok(inGroup.startsWith(before("@llama ")) && inGroup.endsWith(after));
    });

    it(`has no command for groups in a direct chat: “${before("")}”`, () => {
      assert.deepEqual(
        Object.values(titles).map((title) => [inGroup.includes(`**${title}**`), direct.includes(`**${title}**`)]),
        [
          [true, true],
          [true, true],
          [true, false],
        ],
      );
      for (const name of ["discuss", "respond", "listen", "threads", "delegate"])
        assert.deepEqual([inGroup.includes(`\`!${name}`), direct.includes(`\`!${name}`)], [true, false], name);
      assert.ok(!direct.includes(after));
    });
  }

  it("has no command that the admin has switched off", () => {
    const offered = offeredIn(false, COMMANDS, (name) => name === "model");
    assert.doesNotMatch(describeCommands(wordsIn("en"), offered, false), /!model/);
    assert.equal(offered.length, COMMANDS.length - 1);
  });
});
