import { SETTING_NAMES } from "../rooms/settings.ts";
import type { Command } from "./command.ts";
import { mayAsAdmin } from "./who-may.ts";

/** Resets all settings of a room, except those that only admins may set. */
export const reset: Command = {
  name: "reset",
  group: "settings",
  meaning: (words) => words.commands.reset.meaning,
  isForModerators: () => true,
  carryOut: ({ settings, permissions }, { ghost, message, words }) => {
    const { roomId, sender: by } = message;
    const kept = SETTING_NAMES.filter((name) => !mayAsAdmin(permissions, ghost, message, name));
    return {
      words: words.commands.reset.done,
      store: (tx) => settings.reset(tx, { ghost: ghost.userId, roomId, by }, kept),
    };
  },
};
