import type { Agent } from "../agents/agents.ts";
import type { KnownModels } from "../providers/model-facts.ts";
import type { RoomSettings } from "../rooms/settings.ts";

/**
 * An agent as it is in a room: one whose model there is passed on to elsewhere counts as one of the cloud, wherever the server
 * is that it is asked of.
 */
export function agentIn(
  agent: Agent | undefined,
  { model }: Pick<RoomSettings, "model">,
  models: Pick<KnownModels, "isPassedOn">,
): Agent | undefined {
  if (agent === undefined || !models.isPassedOn(agent.provider, model ?? agent.model ?? "")) return agent;
  return { ...agent, locality: "cloud" };
}
