import { createHash } from "node:crypto";
import type { AgentConfig, Config } from "../config/config.ts";
import { AGENT_PREFIX } from "../config/registration.ts";
import type { InstalledModel } from "../providers/provider.ts";

/** An agent: one of the configuration, or a model that a provider has installed. */
export interface Agent extends AgentConfig {
  /** The localpart of its user id. */
  readonly localpart: string;
}

/**
 * The agents there are, by localpart. Those of the configuration come first and keep their names. A discovered model is
 * named after itself (`llama3.2:3b` → `agent_llama3.2-3b`); where two would get the same name, the first by provider
 * and model keeps it and the others get a short hash of both behind theirs, whatever the order of discovery.
 */
export function agentsOf(
  config: Pick<Config, "agents" | "providers">,
  discovered: ReadonlyMap<string, readonly InstalledModel[]>,
): Map<string, Agent> {
  const agents = new Map<string, Agent>();
  for (const agent of config.agents.values()) {
    const localpart = localpartOf(agent.name);
    agents.set(localpart, { ...agent, localpart });
  }

  const models = [...discovered]
    .flatMap(([provider, installed]) => installed.map(({ name }) => ({ provider, model: name })))
    .sort((a, b) => compare(a.provider, b.provider) || compare(a.model, b.model));
  for (const { provider, model } of models) {
    const settings = config.providers.get(provider);
    if (settings?.type !== "ollama") continue;
    const plain = agentNameOf(model);
    const name = agents.has(localpartOf(plain)) ? `${plain}-${shortHash(`${provider} ${model}`)}` : plain;
    const localpart = localpartOf(name);
    agents.set(localpart, {
      localpart,
      name,
      provider,
      model,
      displayName: model.replace(/:latest$/, ""),
      contextTokens: settings.contextTokens,
      ...(settings.keepAlive === undefined ? {} : { keepAlive: settings.keepAlive }),
    });
  }
  return agents;
}

/** The localpart of an agent's user id. */
export function localpartOf(name: string): string {
  return `${AGENT_PREFIX}${name}`;
}

/** A model's name in the grammar of user ids (spec "User identifiers"): lower case, `:latest` dropped, the rest with `-`. */
export function agentNameOf(model: string): string {
  const name = model
    .replace(/:latest$/, "")
    .toLowerCase()
    .replace(/[^a-z0-9._=-]+/g, "-")
    .slice(0, 100);
  return name === "" ? "model" : name;
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 6);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
