import { createHash } from "node:crypto";
import type { AgentConfig, Config, Locality, ProviderConfig } from "../config/config.ts";
import { AGENT_PREFIX } from "../config/registration.ts";
import { cloudByName } from "../providers/ollama-cloud.ts";
import type { InstalledModel } from "../providers/provider.ts";
import type { GivenName } from "./given-names.ts";
import { plainModelName, readableModelName, withoutPath } from "./model-name.ts";

/** An agent: a configured one, or an installed model of a provider. */
export interface Agent extends AgentConfig {
  /** The localpart of its user id. */
  readonly localpart: string;
  /** Whether messages to it stay in the admin's network. */
  readonly locality: Locality;
  /**
   * The provider's name of the model, and that name without details. People may call the agent by either, unless
   * another agent has it.
   */
  readonly modelNames?: readonly string[];
}

/** An agent and its Matrix user. */
export interface ListedAgent {
  readonly userId: string;
  readonly agent: Agent;
}

/** Whether an AI model answers in its name: the demo has none. */
export function hasModel({ model }: Pick<Agent, "model">): boolean {
  return model !== undefined;
}

/** An agent's name in rooms: a cloud agent's name says so. */
export function profileName({ displayName, locality }: Pick<Agent, "displayName" | "locality">): string {
  return locality === "cloud" ? `${displayName} (cloud)` : displayName;
}

/** All names by which people may call an agent, apart from its user id. */
export function callNames(agent: Agent): string[] {
  return [agent.displayName, agent.name, profileName(agent), ...(agent.modelNames ?? [])];
}

/**
 * The agents by localpart. Configured agents come first and keep their names. A discovered model gets its own name
 * (`llama3.2:3b` → `agent_llama3.2-3b`), unless a configured agent of that name is the same model. Where two models
 * would get the same name, the present owner keeps it; otherwise the model that is spelt exactly like it gets it, and
 * then the first by provider and model. The others get a short hash of provider and model behind their names, in any
 * order of discovery. Display names are readable and unique.
 *
 * @param given the names given earlier: only the configuration can give one of them to another model.
 */
export function agentsOf(
  config: Pick<Config, "agents" | "providers">,
  discovered: ReadonlyMap<string, readonly InstalledModel[]>,
  given: readonly GivenName[] = [],
): Map<string, Agent> {
  const agents = new Map<string, Agent>();
  // A provider that leaves the configuration gives up its names.
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
 * Adds the models' names to the agents. A model's own name belongs to the agent made for it, or else to the only one
 * configured with it; when several agents share a model, none is called by it.
 *
 * @param found the localparts of the agents made for a model.
 */
function withModelNames(agents: ReadonlyMap<string, Agent>, found: ReadonlySet<string>): Map<string, Agent> {
  const all = [...agents.values()];
  const isFound = ({ localpart }: Agent): boolean => found.has(localpart);
  const ofModel = ({ model = "" }: Agent): string[] =>
    [...new Set([withoutPath(withoutLatest(model)), withoutLatest(model), model])].filter(Boolean);
  const isOthers = takenByOthers(
    all.map((agent) => [agent, [agent.displayName, agent.name, ...(isFound(agent) ? ofModel(agent) : [])]]),
  );
  const hasModelOfOther = takenByOthers(all.filter((agent) => !isFound(agent)).map((agent) => [agent, ofModel(agent)]));
  const namesOf = (agent: Agent): string[] => {
    if (!isFound(agent)) {
      return ofModel(agent).filter((name) => !isOthers(name, agent) && !hasModelOfOther(name, agent));
    }
    // "Llama 3.2: …" must call `Llama 3.2 (3B)`, and must not ask a `Llama` for "3.2".
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

/** Whether another agent also has a name. */
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
 * A name for each discovered model: a readable one, unless another model would get the same; then one with its
 * provider, or the provider's own name of it, or the agent's name, which is always unique.
 *
 * @param taken names that others surely have.
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

/** Equal for names that people can't tell apart when they call an agent. */
function sameName(name: string): string {
  return name.normalize("NFC").toLowerCase();
}

/** A model of Ollama's cloud is not local, even on a local server, because that passes the messages on. */
function localityOf(provider: ProviderConfig | undefined, model: string | undefined): Locality {
  if (provider === undefined || provider.type === "demo") return "local";
  return cloudByName(model ?? "") === undefined ? provider.locality : "cloud";
}

/** All models; those whose agents can be called exactly like them come first. */
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
 * A model's name in the grammar of user ids (spec "User identifiers"): in lower case, without `:latest`, and without a
 * file's path; any run of other characters becomes a `-`; at most 100 characters.
 */
export function agentNameOf(model: string): string {
  const name = withoutPath(withoutLatest(model))
    .toLowerCase()
    .replace(/[^a-z0-9._=-]+/g, "-")
    .slice(0, 100);
  return name === "" ? "model" : name;
}

/** Removes Ollama's default tag. */
function withoutLatest(model: string): string {
  return model.replace(/:latest$/, "");
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 6);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
