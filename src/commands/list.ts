import { answerBot } from "./bot.ts";
import type { Command } from "./command.ts";

export const list: Command = {
  name: "list",
  group: "everyday",
  meaning: (words) => words.commands.list.meaning,
  carryOut: ({ agents, privacy }, { words }) => ({ words: answerBot(words, "list", agents(), privacy.reach) }),
};
