import { withoutPath } from "../agents/model-name.ts";
import { isForgotten, SETTING_NAMES } from "../rooms/settings.ts";
import type { Command } from "./command.ts";
import { valueInWords } from "./setting-words.ts";

/** Shows the room's own settings, and says that the rest follows the admin's. */
export const status: Command = {
  name: "status",
  group: "everyday",
  meaning: (words) => words.commands.status.meaning,
  carryOut: async ({ settings, turns, pauses }, { ghost, message, agent, agentName, words, call }) => {
    const { iAm, setHere, restAsAdmin, waiting } = words.commands.status;
    const { roomId } = message;
    const set = await settings.get(ghost.userId, roomId);
    const open = await turns.openOf(ghost.userId, roomId, undefined);
    const model = set.model ?? agent?.model;
    const names = SHOWN.filter((name) => set[name] !== undefined);
    const lines = [
      iAm(agentName, agent?.provider, model === undefined ? undefined : withoutPath(model)),
      ...(pauses.of(ghost.userId) === undefined ? [] : [words.paused(agentName)]),
      "",
      ...names.map((name) => `- ${setHere(words.settings[name].title, valueInWords(words, name, String(set[name])))}`),
      `- ${restAsAdmin(names.length === 0 && set.model === undefined, call)}`,
      ...(open === 0 ? [] : [`- ${waiting(open)}`]),
    ];
    return { words: lines.join("\n"), encrypted: set.encrypted };
  },
};

/** The model comes first, and the notes, which `forget` deletes, last. */
const SHOWN = [
  ...SETTING_NAMES.filter((name) => name !== "model" && !isForgotten(name)),
  ...SETTING_NAMES.filter(isForgotten),
];
