import type { Provider } from "../providers/provider.ts";
import type { RoomSettingsStore } from "../rooms/settings-store.ts";
import type { Agent } from "./agents.ts";

/** A model, and the provider that has it. */
export interface UsedModel {
  readonly provider: Provider;
  readonly model: string;
}

/** The parts that know the models of agents. */
export interface ModelSources {
  readonly agentOf: (ghost: string) => Agent | undefined;
  /** The provider of a name; undefined for one that is not configured. */
  readonly provider: (name: string) => Provider | undefined;
  readonly settings: Pick<RoomSettingsStore, "get">;
}

/**
 * The model that a ghost uses in a room: the room's own choice, or the agent's. Undefined for a ghost that is no agent now.
 * Throws DatabaseError.
 */
export async function modelInRoom(
  { agentOf, provider, settings }: ModelSources,
  ghost: string,
  roomId: string,
): Promise<UsedModel | undefined> {
  const agent = agentOf(ghost);
  const found = agent && provider(agent.provider);
  if (agent === undefined || found === undefined) return undefined;
  const { model = agent.model ?? "" } = await settings.get(ghost, roomId);
  return { provider: found, model };
}
