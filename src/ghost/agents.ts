import { createHash } from "node:crypto";
import type { AgentConfig, Config, Locality, ProviderConfig } from "../config/config.ts";
import { AGENT_PREFIX } from "../config/registration.ts";
import type { InstalledModel } from "../providers/provider.ts";

/** An agent: one of the configuration, or a model that a provider has installed. */
export interface Agent extends AgentConfig {
  /** The localpart of its user id. */
  readonly localpart: string;
  /** Whether what is said to it stays in the admin's network. */
  readonly locality: Locality;
}

/** How an agent is called in rooms: one whose words leave the network says so by its name. */
export function profileName({ displayName, locality }: Pick<Agent, "displayName" | "locality">): string {
  return locality === "cloud" ? `${displayName} (cloud)` : displayName;
}

/**
 * The agents there are, by localpart. Those of the configuration come first and keep their names. A discovered model is
 * named after itself (`llama3.2:3b` → `agent_llama3.2-3b`), unless a configured agent of that name is the same model.
 * Where two would get the same name, the one that is spelt so keeps it, else the first by provider and model, and the
 * others get a short hash of both behind theirs, whatever the order of discovery.
 */
export function agentsOf(
  config: Pick<Config, "agents" | "providers">,
  discovered: ReadonlyMap<string, readonly InstalledModel[]>,
): Map<string, Agent> {
  const agents = new Map<string, Agent>();
  for (const agent of config.agents.values()) {
    const localpart = localpartOf(agent.name);
    agents.set(localpart, { ...agent, localpart, locality: localityOf(config.providers.get(agent.provider)) });
  }
  for (const { provider, model } of inOrder(discovered)) {
    const settings = config.providers.get(provider);
    if (settings === undefined || !("discover" in settings) || !settings.discover) continue;
    const displayName = withoutLatest(model);
    const plain = agentNameOf(model);
    const taken = agents.get(localpartOf(plain));
    if (taken?.provider === provider && withoutLatest(taken.model ?? "") === displayName) continue;
    const name = taken === undefined ? plain : `${plain}-${shortHash(`${provider} ${displayName}`)}`;
    const localpart = localpartOf(name);
    agents.set(localpart, {
      localpart,
      name,
      provider,
      model,
      displayName,
      makes: "text",
      locality: settings.locality,
      contextTokens: settings.contextTokens,
      ...(settings.type === "ollama" && settings.keepAlive !== undefined ? { keepAlive: settings.keepAlive } : {}),
    });
  }
  return agents;
}

function localityOf(provider: ProviderConfig | undefined): Locality {
  return provider === undefined || provider.type === "demo" ? "local" : provider.locality;
}

/** All models, those first whose agents can be called exactly as they are. */
function inOrder(discovered: ReadonlyMap<string, readonly InstalledModel[]>): { provider: string; model: string }[] {
  const isExact = (model: string): boolean => agentNameOf(model) === withoutLatest(model);
  return [...discovered]
    .flatMap(([provider, installed]) => installed.map(({ name }) => ({ provider, model: name })))
    .sort(
      (a, b) =>
        Number(isExact(b.model)) - Number(isExact(a.model)) ||
        compare(a.provider, b.provider) ||
        compare(a.model, b.model),
    );
}

/** The localpart of an agent's user id. */
export function localpartOf(name: string): string {
  return `${AGENT_PREFIX}${name}`;
}

/**
 * A model's name in the grammar of user ids (spec "User identifiers"): in lower case, `:latest` dropped, every run of
 * other characters a `-`, and at most 100 characters.
 */
export function agentNameOf(model: string): string {
  const name = withoutLatest(model)
    .toLowerCase()
    .replace(/[^a-z0-9._=-]+/g, "-")
    .slice(0, 100);
  return name === "" ? "model" : name;
}

/** Ollama's tag for a model that was named without one. */
function withoutLatest(model: string): string {
  return model.replace(/:latest$/, "");
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 6);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
