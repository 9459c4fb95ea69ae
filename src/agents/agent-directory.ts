import { isDeepStrictEqual } from "node:util";
import type { Config } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import type { InstalledModel, Provider } from "../providers/provider.ts";
import { agentsOf, localpartOf, profileName, type Agent, type ListedAgent } from "./agents.ts";
import type { GivenName, NameBook } from "./given-names.ts";

/** The admin's settings that decide which agents exist. */
export interface DirectorySettings extends Pick<Config, "agents" | "providers"> {
  readonly homeserver: Pick<Config["homeserver"], "domain">;
}

/** The interval at which providers are asked for new models, in ms. */
const REFRESH_MS = 60_000;

/**
 * The present agents: those of the configuration and, for a provider with `discover`, one for each installed model. An
 * unreachable provider keeps the models it had, also over a restart. A name stays with the model that got it; only the
 * configuration can give it to another.
 */
export class AgentDirectory {
  readonly #settings: () => DirectorySettings;
  readonly #providers: () => ReadonlyMap<string, Provider>;
  readonly #names: NameBook;
  readonly #log: Logger;
  readonly #discovered = new Map<string, readonly InstalledModel[]>();
  readonly #timer: NodeJS.Timeout;
  #agents = new Map<string, Agent>();
  /** Undefined before it is read. */
  #given: readonly GivenName[] | undefined;
  /** The names that {@link onChange}'s listener knows. */
  #known: ReadonlyMap<string, string>;
  #refreshing: Promise<void> | undefined;
  #onChange: (userIds: readonly string[]) => void = () => undefined;

  /** @param settings asked anew each time, as are the providers. */
  constructor(
    settings: () => DirectorySettings,
    providers: () => ReadonlyMap<string, Provider>,
    names: NameBook,
    log: Logger,
  ) {
    this.#settings = settings;
    this.#providers = providers;
    this.#names = names;
    this.#log = log;
    this.#agents = this.#built();
    this.#known = this.#profileNames();
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

  /** Sets the listener for agents that are new, or that got another name because of others. */
  onChange(listener: (userIds: readonly string[]) => void): void {
    this.#onChange = listener;
  }

  /**
   * Asks the providers for their models; simultaneous callers share one round. Rejects when the names can't be read or
   * stored, but not when a provider fails: its agents then stay as they were.
   */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** The configuration has changed: removed agents are gone at once, new ones come as soon as they are made. */
  async reconfigured(): Promise<void> {
    this.#agents = this.#built();
    // A refresh under way uses the former configuration.
    await this.#refreshing;
    await this.refresh();
  }

  /** Stops the regular refresh. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#refreshing;
  }

  async #refresh(): Promise<void> {
    if (this.#given === undefined) {
      this.#given = await this.#names.all();
      for (const { provider, model } of this.#given.filter(({ isListed }) => isListed)) {
        const before = this.#discovered.get(provider) ?? [];
        this.#discovered.set(provider, [...before, { name: model, canChat: true }]);
      }
    }
    await Promise.all(
      [...this.#settings().providers].map(async ([name, config]) => {
        const provider = this.#providers().get(name);
        if (!("discover" in config) || !config.discover || provider === undefined) return;
        try {
          this.#discovered.set(name, await provider.models());
        } catch (error) {
          this.#log.debug({ provider: name, error }, "installed models could not be listed");
        }
      }),
    );
    await this.#give();
    this.#agents = this.#built();
    const now = this.#profileNames();
    const changed = [...now].filter(([userId, name]) => this.#known.get(userId) !== name);
    if (changed.length > 0) this.#onChange(changed.map(([userId]) => userId));
    this.#known = now;
  }

  /** Gives the present agents permanent names. Of several processes the first one decides. */
  async #give(): Promise<void> {
    const given = new Map((this.#given ?? []).map((name) => [name.localpart, name]));
    const named = [...this.#built().values()].map((agent) => this.#nameOf(agent));
    const gone = [...given.values()].filter(
      (name) => name.isListed && !named.some(({ localpart }) => localpart === name.localpart),
    );
    const news = [...named, ...gone.map((name) => ({ ...name, isListed: false }))].filter(
      (name) => !isDeepStrictEqual(name, given.get(name.localpart)),
    );
    if (news.length === 0) return;
    const byAdmin = new Set([...this.#settings().agents.keys()].map(localpartOf));
    await this.#names.give(news, byAdmin, new Set(this.#settings().providers.keys()));
    this.#given = await this.#names.all();
  }

  #nameOf({ localpart, provider, model = "", name }: Agent): GivenName {
    return { localpart, provider, model, isListed: !this.#settings().agents.has(name) };
  }

  #profileNames(): ReadonlyMap<string, string> {
    return new Map([...this.#agents].map(([userId, agent]) => [userId, profileName(agent)]));
  }

  /** The agents that follow from the current knowledge. */
  #built(): Map<string, Agent> {
    const settings = this.#settings();
    const agents = agentsOf(settings, this.#discovered, this.#given);
    return new Map([...agents].map(([localpart, agent]) => [`@${localpart}:${settings.homeserver.domain}`, agent]));
  }
}
