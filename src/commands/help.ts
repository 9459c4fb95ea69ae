import type { Words } from "../language/words.ts";
import type { CommandGroup } from "../language/phrases.ts";
import type { Command } from "./command.ts";
import { formOf } from "./form.ts";
import { offeredIn, offOn } from "./offered.ts";

export const help: Command = {
  name: "help",
  group: "everyday",
  meaning: (words) => words.commands.help.meaning,
  carryOut: ({ commands, permissions, tools }, { message, words, call }) => {
    const offered = offeredIn(message.direct, commands, offOn(permissions, tools));
    return { words: describeCommands(words, offered, message.direct, call) };
  },
};

/** The groups, in display order. */
const GROUPS: readonly CommandGroup[] = ["everyday", "settings", "groups"];

/**
 * The text of `help` about commands.
 *
 * @param call the words before a command that address this agent.
 */
export function describeCommands(words: Words, commands: readonly Command[], direct: boolean, call = ""): string {
  const { before, titles, after } = words.commands.help;
  const sections = GROUPS.flatMap((group) => {
    const lines = commands
      .filter((command) => command.group === group)
      .map((command) => `- \`${formOf(words, command)}\`: ${command.meaning(words)}`);
    return lines.length === 0 ? [] : ["", `**${titles[group]}**`, "", ...lines];
  });
  return [before(call), ...sections, ...(direct ? [] : ["", after])].join("\n");
}
