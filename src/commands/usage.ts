import type { Command } from "./command.ts";

/** Shows a person's use, and the rest of their limits for a day. */
export const usage: Command = {
  name: "usage",
  group: "everyday",
  meaning: (words) => words.commands.usage.meaning,
  carryOut: async ({ turns, allowances }, { ghost, message, words }) => {
    const { asked, left } = words.commands.usage;
    const { here, all } = await turns.usage(ghost.userId, message.roomId, message.sender);
    const limits = await allowances.leftFor(message.sender);
    const lines = limits.map(({ what, left: rest, of }) => `- ${left(what, rest, of)}`);
    return { words: [asked(here, all), ...lines].join("\n") };
  },
};
