import { isForgotten, SETTING_NAMES } from "../rooms/settings.ts";
import { stopping } from "../turns/stopping.ts";
import type { Command } from "./command.ts";

/** Forgets all messages to an agent in a room, and its notes there. */
export const forget: Command = {
  name: "forget",
  group: "everyday",
  meaning: (words) => words.commands.forget.meaning,
  isForModerators: () => true,
  carryOut: (services, { ghost, message, words }) => {
    const { forgetting, exchanges, reminders, settings } = services;
    const { roomId, sender: by, encrypted } = message;
    const stopped = stopping(services, { ghost: ghost.userId, roomId }, { keeps: false });
    return {
      words: words.commands.forget.forgotten,
      store: async (tx) => {
        await stopped.store(tx);
        await forgetting.room(tx, ghost.userId, roomId);
        await exchanges.forget(tx, roomId);
        await reminders.forget(tx, { ghost: ghost.userId, roomId });
        for (const name of SETTING_NAMES.filter(isForgotten)) {
          await settings.set(tx, { ghost: ghost.userId, roomId, by, encrypted }, name, undefined);
        }
      },
      after: stopped.after,
    };
  },
};
