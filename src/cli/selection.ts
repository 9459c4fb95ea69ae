import { agentArgument } from "./agent-argument.ts";
import type { AtDatabase } from "./at-database.ts";
import { UsageError } from "./usage-error.ts";

/** The rooms and agents that somebody names on the command line; a field that is left out means all. */
export interface Selection {
  readonly roomId?: string;
  /** The agent's user id. */
  readonly ghost?: string;
}

/**
 * The room, by its id, and the agent that are named; `all` in place of either, or alone for both, selects all. Throws
 * UsageError.
 */
export async function selectionOf(
  [room, agent]: readonly [room: string, agent?: string | undefined],
  { config, database }: Pick<AtDatabase, "config" | "database">,
): Promise<Selection> {
  if (agent === undefined && room !== "all") throw new UsageError("name an agent too, or all, after the room");
  if (room !== "all" && !room.startsWith("!")) {
    throw new UsageError(
      `name the room by its id, as matrix-agents privacy shows it, or all; "${room}" is no room's id`,
    );
  }
  return {
    ...(room === "all" ? {} : { roomId: room }),
    ...(agent === undefined || agent === "all" ? {} : { ghost: await agentArgument(agent, config, database) }),
  };
}
