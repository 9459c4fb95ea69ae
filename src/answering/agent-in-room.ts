import type { Agent } from "../agents/agents.ts";
import type { KnownModels } from "../providers/model-facts.ts";
import type { RoomSettings } from "../rooms/settings.ts";

/**
 * An agent as it is in a room. When its model there runs elsewhere, the agent counts as a cloud agent, even if a local
 * server is asked.
 */
export function agentIn(
  agent: Agent | undefined,
  { model }: Pick<RoomSettings, "model">,
  models: Pick<KnownModels, "isPassedOn">,
): Agent | undefined {
  if (agent === undefined || !models.isPassedOn(agent.provider, model ?? agent.model ?? "")) return agent;
  return { ...agent, locality: "cloud" };
}
