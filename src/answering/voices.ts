import type { Agent } from "../agents/agents.ts";
import type { PrivacyGate } from "../privacy/gate.ts";
import { DEMO_MODEL } from "../providers/demo.ts";
import type { KnownModels } from "../providers/model-facts.ts";
import { ProviderError, type Provider } from "../providers/provider.ts";
import type { RoomSettings } from "../rooms/settings.ts";
import type { RoomSettingsStore } from "../rooms/settings-store.ts";
import type { Turn } from "../turns/turn.ts";
import { mayHaveModel, noteRefusedModel, userIdOn, type ReachOptions } from "./reach.ts";

/** What voices are found with. */
export interface VoicesOptions extends ReachOptions {
  /** The agent behind a ghost, as it is now; undefined when its model has gone. */
  readonly agentOf: (ghost: string) => Agent | undefined;
  /** The agent of a name of the configuration. */
  readonly agentNamed: (name: string) => Agent | undefined;
  readonly provider: (name: string) => Provider | undefined;
  /** What people have set in rooms. */
  readonly settings: RoomSettingsStore;
  readonly models: KnownModels;
  readonly privacy: PrivacyGate;
}

/** What a turn is answered by. */
export interface Voice {
  /** Who speaks. */
  readonly agent: Agent;
  /** Whose model does. */
  readonly by: Agent;
  readonly provider: Provider;
  readonly model: string;
  readonly set: RoomSettings;
}

/** Finds what answers in the name of a ghost. */
export class Voices {
  readonly #options: VoicesOptions;

  constructor(options: VoicesOptions) {
    this.#options = options;
  }

  /** What answers for a ghost in a room; undefined when its model has gone. */
  async of({ ghost, roomId }: Pick<Turn, "ghost" | "roomId">): Promise<Voice | undefined> {
    const agent = this.#options.agentOf(ghost);
    const provider = agent === undefined ? undefined : this.#options.provider(agent.provider);
    if (agent === undefined || provider === undefined) return undefined;
    const set = await this.#options.settings.get(ghost, roomId);
    return { agent, by: agent, provider, model: set.model ?? agent.model ?? DEMO_MODEL, set };
  }

  /** Whether a voice may answer who asks: the model that a room has chosen may belong to an agent that they may not use. */
  isFor({ agent, provider, model, set }: Voice, { ghost, roomId, asker }: Turn): boolean {
    if (set.model === undefined || model === agent.model) return true;
    const who = { userId: asker, roomId, ghost };
    const wanted = { provider: provider.name, model };
    if (mayHaveModel(this.#options, who, wanted)) return true;
    noteRefusedModel(this.#options, who, wanted, "message");
    return false;
  }

  /**
   * What answers where an agent's own model can't: another agent's, if who asks may use that, if words may go there, and never
   * further than its own.
   *
   * @param encrypted whether anything of what is sent came encrypted.
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
    const place = await privacy.placeOf(provider, model).catch((error: unknown) => {
      if (error instanceof ProviderError) return undefined;
      throw error;
    });
    if (place?.locality !== agent.locality) return undefined;
    if ((await privacy.check({ ghost, roomId, encrypted }, place)) !== "yes") return undefined;
    return { agent, by, provider, model, set };
  }

  /** The window that an agent's model is run with: as it is set, unless the model can't have so much. */
  async contextOf({ by, provider, model }: Voice): Promise<number> {
    const facts = await this.#options.models.facts(provider, model).catch((error: unknown) => {
      // Whoever asks the model next hears why.
      if (error instanceof ProviderError) return undefined;
      throw error;
    });
    return Math.min(by.contextTokens, facts?.contextTokens ?? Infinity);
  }
}

/** Models are told apart by the server that runs them, too. */
export function keyOf({ provider, model }: Voice): string {
  return `${provider.name} ${model}`;
}
