import type { AgentDirectory } from "../agents/agent-directory.ts";
import type { ListedAgent } from "../agents/agents.ts";
import type { Memberships } from "../mailbox/memberships.ts";

/** The present agents that are in a room. */
export async function agentsInRoom(
  memberships: Pick<Memberships, "ghostsIn">,
  directory: Pick<AgentDirectory, "agentOf">,
  roomId: string,
): Promise<readonly ListedAgent[]> {
  return (await memberships.ghostsIn(roomId)).flatMap((userId) => {
    const agent = directory.agentOf(userId);
    return agent === undefined ? [] : [{ userId, agent }];
  });
}
