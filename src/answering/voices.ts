import type { Agent } from "../agents/agents.ts";
import type { PrivacyGate } from "../privacy/gate.ts";
import { DEMO_MODEL } from "../providers/demo.ts";
import type { KnownModels } from "../providers/model-facts.ts";
import { ProviderError, type Provider } from "../providers/provider.ts";
import type { RoomSettings } from "../rooms/settings.ts";
import type { RoomSettingsStore } from "../rooms/settings-store.ts";
import type { Turn } from "../turns/turn.ts";
import { mayHaveModel, noteRefusedModel, userIdOn, type PermittedModelsOptions } from "./permitted-models.ts";

/** The parts that finding voices needs. */
export interface VoicesOptions extends PermittedModelsOptions {
  /** The present agent behind a ghost; undefined when its model is gone. */
  readonly agentOf: (ghost: string) => Agent | undefined;
  /** The agent with a name of the configuration. */
  readonly agentNamed: (name: string) => Agent | undefined;
  readonly provider: (name: string) => Provider | undefined;
  /** The rooms' own settings. */
  readonly settings: RoomSettingsStore;
  readonly models: KnownModels;
  readonly privacy: PrivacyGate;
}

/** The agent and model that answer a turn. */
export interface Voice {
  /** The agent that speaks. */
  readonly agent: Agent;
  /** The agent whose model answers. */
  readonly by: Agent;
  readonly provider: Provider;
  readonly model: string;
  readonly set: RoomSettings;
}

/** Finds the voice that answers in a ghost's name. */
export class Voices {
  readonly #options: VoicesOptions;

  constructor(options: VoicesOptions) {
    this.#options = options;
  }

  /** The voice of a ghost in a room; undefined when its model is gone. */
  async of(turn: Pick<Turn, "ghost" | "roomId">): Promise<Voice | undefined> {
    return this.in(turn, await this.#options.settings.get(turn.ghost, turn.roomId));
  }

  /** The same in a room with these settings. */
  in({ ghost }: Pick<Turn, "ghost">, set: RoomSettings): Voice | undefined {
    const agent = this.#options.agentOf(ghost);
    const provider = agent === undefined ? undefined : this.#options.provider(agent.provider);
    if (agent === undefined || provider === undefined) return undefined;
    return { agent, by: agent, provider, model: set.model ?? agent.model ?? DEMO_MODEL, set };
  }

  /**
   * Whether a voice may answer the asker: the room's chosen model may belong to an agent that the asker may not use.
   */
  isFor({ agent, provider, model, set }: Voice, { ghost, roomId, asker }: Turn): boolean {
    if (set.model === undefined || model === agent.model) return true;
    const who = { userId: asker, roomId, ghost };
    const wanted = { provider: provider.name, model };
    if (mayHaveModel(this.#options, who, wanted)) return true;
    noteRefusedModel(this.#options, who, wanted, "message");
    return false;
  }

  /**
   * The replacement where an agent's own model can't answer: another agent's model, if the asker may use it and
   * messages may go there, and never outside the network for an agent inside it.
   *
   * @param encrypted whether any of the sent messages came encrypted.
   */
  async fallbackOf(
    { agent, set }: Voice,
    { ghost, roomId, asker }: Turn,
    encrypted: boolean,
  ): Promise<Voice | undefined> {
    const { agentNamed, privacy, permissions } = this.#options;
    const by = agent.fallback === undefined ? undefined : agentNamed(agent.fallback);
    if (by !== undefined) {
      const request = { act: "message", userId: asker, ghost: userIdOn(ghost, by.localpart), roomId } as const;
      if (!permissions.allows(request)) return undefined;
    }
    const provider = by === undefined ? undefined : this.#options.provider(by.provider);
    if (by === undefined || provider === undefined || by.makes !== agent.makes) return undefined;
    const model = by.model ?? DEMO_MODEL;
    const destination = await privacy.destinationOf(provider, model).catch((error: unknown) => {
      if (error instanceof ProviderError) return undefined;
      throw error;
    });
    if (destination?.locality !== agent.locality) return undefined;
    if ((await privacy.check({ ghost, roomId, encrypted }, destination)) !== "yes") return undefined;
    return { agent, by, provider, model, set };
  }

  /** The window of an agent's model: the configured one, unless the model's is smaller. */
  async contextOf({ by, provider, model }: Voice): Promise<number> {
    const facts = await this.#options.models.facts(provider, model).catch((error: unknown) => {
      // The next request to the model reports the reason.
      if (error instanceof ProviderError) return undefined;
      throw error;
    });
    return Math.min(by.contextTokens, facts?.contextTokens ?? Infinity);
  }
}

/** The same model on another server is another model. */
export function keyOf({ provider, model }: Voice): string {
  return `${provider.name} ${model}`;
}
