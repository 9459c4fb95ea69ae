import type { AgentDirectory } from "../agents/agent-directory.ts";
import type { ListedAgent } from "../agents/agents.ts";
import type { GhostStore } from "./ghost-store.ts";

/** The present agents that are in a room. */
export async function agentsInRoom(
  store: Pick<GhostStore, "ghostsIn">,
  directory: Pick<AgentDirectory, "agentOf">,
  roomId: string,
): Promise<readonly ListedAgent[]> {
  return (await store.ghostsIn(roomId)).flatMap((userId) => {
    const agent = directory.agentOf(userId);
    return agent === undefined ? [] : [{ userId, agent }];
  });
}
