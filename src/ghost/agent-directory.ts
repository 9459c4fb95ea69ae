import type { Config } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import type { InstalledModel, Provider } from "../providers/provider.ts";
import { agentsOf, profileName, type Agent } from "./agents.ts";

/** How often the providers are asked for newly installed models, in ms. */
const REFRESH_MS = 60_000;

/** An agent and its Matrix user. */
export interface ListedAgent {
  readonly userId: string;
  readonly agent: Agent;
}

/**
 * Which agents there are now: those of the configuration and, for a provider with `discover`, one for each model it has
 * installed. A provider that can't be asked keeps the models it had.
 */
export class AgentDirectory {
  readonly #config: Config;
  readonly #providers: () => ReadonlyMap<string, Provider>;
  readonly #log: Logger;
  readonly #discovered = new Map<string, readonly InstalledModel[]>();
  readonly #timer: NodeJS.Timeout;
  #agents = new Map<string, Agent>();
  /** What those are called that {@link onChange}'s listener need not be told of any more. */
  #known: ReadonlyMap<string, string>;
  #refreshing: Promise<void> | undefined;
  #onChange: (userIds: readonly string[]) => void = () => undefined;

  /** @param config asked anew each time, as are the providers. */
  constructor(config: Config, providers: () => ReadonlyMap<string, Provider>, log: Logger) {
    this.#config = config;
    this.#providers = providers;
    this.#log = log;
    this.#rebuild();
    this.#known = this.#names();
    this.#timer = setInterval(() => {
      this.refresh().catch((error: unknown) => this.#log.error({ error }, "agents could not be refreshed"));
    }, REFRESH_MS);
    this.#timer.unref();
  }

  /** The agent behind a user id; undefined when there is none now. */
  agentOf(userId: string): Agent | undefined {
    return this.#agents.get(userId);
  }

  /** All agents, sorted by user id. */
  list(): ListedAgent[] {
    return [...this.#agents]
      .map(([userId, agent]) => ({ userId, agent }))
      .sort((a, b) => (a.userId < b.userId ? -1 : 1));
  }

  /** Sets who is told of agents that are new, or are called otherwise since there are others. */
  onChange(listener: (userIds: readonly string[]) => void): void {
    this.#onChange = listener;
  }

  /** Asks the providers what they have now; several callers at once share one round. Never rejects for a provider's sake. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** The configuration has changed: agents that are gone are so at once, new ones as soon as they are made. */
  async reconfigured(): Promise<void> {
    this.#rebuild();
    // One that is under way asks what was configured before.
    await this.#refreshing;
    await this.refresh();
  }

  /** Ends the regular refresh. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#refreshing;
  }

  async #refresh(): Promise<void> {
    await Promise.all(
      [...this.#config.providers].map(async ([name, config]) => {
        const provider = this.#providers().get(name);
        if (!("discover" in config) || !config.discover || provider === undefined) return;
        try {
          this.#discovered.set(name, await provider.models());
        } catch (error) {
          this.#log.debug({ provider: name, error }, "installed models could not be listed");
        }
      }),
    );
    this.#rebuild();
    const now = this.#names();
    const changed = [...now].filter(([userId, name]) => this.#known.get(userId) !== name);
    if (changed.length > 0) this.#onChange(changed.map(([userId]) => userId));
    this.#known = now;
  }

  #names(): ReadonlyMap<string, string> {
    return new Map([...this.#agents].map(([userId, agent]) => [userId, profileName(agent)]));
  }

  #rebuild(): void {
    const { domain } = this.#config.homeserver;
    this.#agents = new Map(
      [...agentsOf(this.#config, this.#discovered)].map(([localpart, agent]) => [`@${localpart}:${domain}`, agent]),
    );
  }
}
