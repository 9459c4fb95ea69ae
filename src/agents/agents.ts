import { createHash } from "node:crypto";
import type { AgentConfig, Config, Locality, ProviderConfig } from "../config/config.ts";
import { AGENT_PREFIX } from "../config/registration.ts";
import { cloudByName } from "../providers/ollama-cloud.ts";
import type { InstalledModel } from "../providers/provider.ts";
import type { GivenName } from "./given-names.ts";
import { plainModelName, readableModelName, withoutPath } from "./model-name.ts";

/** An agent: one of the configuration, or a model that a provider has installed. */
export interface Agent extends AgentConfig {
  /** The localpart of its user id. */
  readonly localpart: string;
  /** Whether what is said to it stays in the admin's network. */
  readonly locality: Locality;
  /**
   * The name that the provider gives the model, and that name without its details. People may call the agent by either,
   * unless it is somebody else's name.
   */
  readonly modelNames?: readonly string[];
}

/** An agent and its Matrix user. */
export interface ListedAgent {
  readonly userId: string;
  readonly agent: Agent;
}

/** How an agent is called in rooms: one whose words leave the network says so by its name. */
export function profileName({ displayName, locality }: Pick<Agent, "displayName" | "locality">): string {
  return locality === "cloud" ? `${displayName} (cloud)` : displayName;
}

/** All names that an agent may be called by, its user id apart. */
export function callNames(agent: Agent): string[] {
  return [agent.displayName, agent.name, profileName(agent), ...(agent.modelNames ?? [])];
}

/**
 * The agents there are, by localpart. Those of the configuration come first and keep their names. A discovered model is
 * named after itself (`llama3.2:3b` → `agent_llama3.2-3b`), unless a configured agent of that name is the same model.
 * Where two models would get the same name, the one that has it keeps it; otherwise the one that is spelt like it gets
 * it, and then the first by provider and model. The others get a short hash of provider and model behind their names,
 * whatever the order of discovery. Their display names are made to be read, and each is unique.
 *
 * @param given the names that were given before: only the configuration can give one of them to another model.
 */
export function agentsOf(
  config: Pick<Config, "agents" | "providers">,
  discovered: ReadonlyMap<string, readonly InstalledModel[]>,
  given: readonly GivenName[] = [],
): Map<string, Agent> {
  const agents = new Map<string, Agent>();
  // A provider that is taken out of the configuration gives its names up.
  const owners = new Map(
    given.filter(({ provider }) => config.providers.has(provider)).map((one) => [one.localpart, one]),
  );
  const isOthers = (localpart: string, provider: string, ownName: string): boolean => {
    const owner = owners.get(localpart);
    return owner !== undefined && (owner.provider !== provider || withoutLatest(owner.model) !== ownName);
  };
  for (const agent of config.agents.values()) {
    const localpart = localpartOf(agent.name);
    agents.set(localpart, {
      ...agent,
      localpart,
      locality: localityOf(config.providers.get(agent.provider), agent.model),
    });
  }
  const found: Agent[] = [];
  for (const { provider, model } of inOrder(discovered)) {
    const settings = config.providers.get(provider);
    if (settings === undefined || !("discover" in settings) || !settings.discover) continue;
    const ownName = withoutLatest(model);
    const plain = agentNameOf(model);
    const taken = agents.get(localpartOf(plain));
    if (taken?.provider === provider && withoutLatest(taken.model ?? "") === ownName) continue;
    const isFree = taken === undefined && !isOthers(localpartOf(plain), provider, ownName);
    const name = isFree ? plain : `${plain}-${shortHash(`${provider} ${ownName}`)}`;
    const localpart = localpartOf(name);
    const agent: Agent = {
      localpart,
      name,
      provider,
      model,
      displayName: name,
      makes: "text",
      locality: localityOf(settings, model),
      contextTokens: settings.contextTokens,
      ...(settings.effort === undefined ? {} : { effort: settings.effort }),
      ...(settings.type === "ollama" && settings.keepAlive !== undefined ? { keepAlive: settings.keepAlive } : {}),
    };
    agents.set(localpart, agent);
    found.push(agent);
  }
  const configured = [...config.agents.values()].flatMap(({ name, displayName }) => [name, displayName]);
  for (const [agent, displayName] of displayNames(found, configured)) {
    agents.set(agent.localpart, { ...agent, displayName });
  }
  return withModelNames(agents, new Set(found.map(({ localpart }) => localpart)));
}

/**
 * Adds what agents are called by their models. A model's own name is that of the agent that was made for it, or else of the
 * only one that is set up with it; of several with one model, none is called by it.
 *
 * @param found the localparts of those that were made for a model.
 */
function withModelNames(agents: ReadonlyMap<string, Agent>, found: ReadonlySet<string>): Map<string, Agent> {
  const all = [...agents.values()];
  const isFound = ({ localpart }: Agent): boolean => found.has(localpart);
  const ofModel = ({ model = "" }: Agent): string[] =>
    [...new Set([withoutPath(withoutLatest(model)), withoutLatest(model), model])].filter(Boolean);
  const isOthers = takenByOthers(
    all.map((agent) => [agent, [agent.displayName, agent.name, ...(isFound(agent) ? ofModel(agent) : [])]]),
  );
  const isModelOfOther = takenByOthers(all.filter((agent) => !isFound(agent)).map((agent) => [agent, ofModel(agent)]));
  const namesOf = (agent: Agent): string[] => {
    if (!isFound(agent)) {
      return ofModel(agent).filter((name) => !isOthers(name, agent) && !isModelOfOther(name, agent));
    }
    // "Llama 3.2: …" is for `Llama 3.2 (3B)`, and does not ask a `Llama` for "3.2".
    const short = agent.displayName.replace(/ \([^()]*\)$/, "");
    return [...ofModel(agent), ...(short === agent.displayName || isOthers(short, agent) ? [] : [short])];
  };
  return new Map(
    all.map((agent) => {
      const modelNames = namesOf(agent);
      return [agent.localpart, modelNames.length === 0 ? agent : { ...agent, modelNames }];
    }),
  );
}

/** Tells whether another agent has a name, too. */
function takenByOthers(
  named: readonly (readonly [Agent, readonly string[]])[],
): (name: string, agent: Agent) => boolean {
  const byName = new Map<string, Set<Agent>>();
  for (const [agent, names] of named) {
    for (const name of names) byName.set(sameName(name), (byName.get(sameName(name)) ?? new Set()).add(agent));
  }
  return (name, agent) => [...(byName.get(sameName(name)) ?? [])].some((other) => other !== agent);
}

/**
 * A name for each discovered model: a readable one, unless another model would have it too; then one with its provider,
 * or the provider's own name of it, or the agent's name, which is always unique.
 *
 * @param taken names that others have for certain.
 */
function displayNames(found: readonly Agent[], taken: readonly string[]): Map<Agent, string> {
  const choices = found.map((agent) => {
    const { model = "", provider, name } = agent;
    const readable = readableModelName(model);
    return {
      agent,
      names: [readable, `${readable} · ${provider}`, plainModelName(withoutLatest(model)), name],
      choice: 0,
    };
  });
  const chosen = ({ names, choice }: (typeof choices)[number]): string => names[choice] ?? "";
  for (let round = 1; round < 4; round++) {
    const counts = new Map(taken.map((name) => [sameName(name), 1]));
    for (const one of choices) counts.set(sameName(chosen(one)), (counts.get(sameName(chosen(one))) ?? 0) + 1);
    for (const one of choices.filter((other) => (counts.get(sameName(chosen(other))) ?? 0) > 1)) one.choice++;
  }
  return new Map(choices.map((one) => [one.agent, chosen(one)]));
}

/** Equal for names that one can't tell apart when they are called. */
function sameName(name: string): string {
  return name.normalize("NFC").toLowerCase();
}

/** A model of Ollama's cloud is not local, wherever the server runs that passes the words on. */
function localityOf(provider: ProviderConfig | undefined, model: string | undefined): Locality {
  if (provider === undefined || provider.type === "demo") return "local";
  return cloudByName(model ?? "") === undefined ? provider.locality : "cloud";
}

/** All models, those first whose agents can be called exactly as they are. */
function inOrder(discovered: ReadonlyMap<string, readonly InstalledModel[]>): { provider: string; model: string }[] {
  const isExact = (model: string): boolean => agentNameOf(model) === withoutLatest(model);
  return [...discovered]
    .flatMap(([provider, installed]) =>
      installed.filter(({ canChat }) => canChat).map(({ name }) => ({ provider, model: name })),
    )
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
 * A model's name in the grammar of user ids (spec "User identifiers"): in lower case, `:latest` dropped and of a file all but
 * its name, every run of other characters a `-`, and at most 100 characters.
 */
export function agentNameOf(model: string): string {
  const name = withoutPath(withoutLatest(model))
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
