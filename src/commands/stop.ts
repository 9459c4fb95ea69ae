import { combined } from "../ghost/outcome.ts";
import { moderates } from "../permissions/in-room.ts";
import { stopping } from "../turns/stopping.ts";
import type { Command } from "./command.ts";

/** Shows that something was stopped, where that says enough. */
const STOPPED = "🛑";

/** Ends an agent's answers in a room: a person's own, or everybody's when a moderator asks. */
export const stop: Command = {
  name: "stop",
  group: "everyday",
  isBare: true,
  meaning: (words) => words.commands.stop.meaning,
  carryOut: async (services, { ghost, message, words }) => {
    const { turns, exchanges, permissions } = services;
    const { roomId, sender } = message;
    const mayAll = await moderates(permissions, ghost, message);
    const open = await turns.openOf(ghost.userId, roomId, mayAll ? undefined : sender);
    if (open === 0) return { words: words.commands.stop.nothing };
    const whose = mayAll ? {} : { asker: sender };
    const stopped = stopping(services, { ghost: ghost.userId, roomId, ...whose }, { keeps: true });
    return { reaction: STOPPED, ...combined(stopped, { store: (tx) => exchanges.stop(tx, roomId, whose) }) };
  },
};
