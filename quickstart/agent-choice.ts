import { type Agent, localpartOf } from "../src/agents/agents.ts";
import type { Wanted } from "./arguments.ts";
import { QuickstartError } from "./errors.ts";
import { chooseModel, type FoundOllama } from "../src/setup/ollama.ts";
import { OLLAMA_PROVIDER, TINY } from "./settings.ts";
import { TINY_MODEL } from "./tiny-model.ts";

/** The agent that the person talks to. */
export interface Choice {
  readonly agent: Agent;
  /** Why it is this one, or how to get a better one. */
  readonly remark: string;
}

/** Whether there is nobody to talk to but the demo, or a model that has to be fetched. */
export function hasNoModel(found: FoundOllama): boolean {
  return found.kind !== "found" || chooseModel(found.models) === undefined;
}

/**
 * The agent or model that was asked for, else that of the model chosen by {@link chooseModel}, else the demo.
 * Throws {@link QuickstartError} when there is no such agent.
 *
 * @param agents those the bridge has, by localpart.
 * @param wanted an agent by a name, a localpart or a user id.
 */
export function chooseAgent(
  agents: ReadonlyMap<string, Agent>,
  found: FoundOllama,
  ollamaUrl: string,
  { agent: wanted, model: wantedModel }: Wanted,
): Choice {
  if (wanted !== undefined) {
    const localpart = wanted.replace(/^@/, "").replace(/:.*$/s, "");
    const agent = agents.get(localpart) ?? agents.get(localpartOf(localpart)) ?? byModel(agents, wanted);
    if (agent !== undefined) return { agent, remark: `You talk to ${agent.displayName}.` };
    const names = [...agents.values()].map(({ name }) => name).sort();
    throw new QuickstartError(`there is no agent ${wanted}; there are: ${names.join(", ")}`);
  }
  if (wantedModel === "tiny") {
    const tiny = agents.get(localpartOf(TINY));
    if (tiny === undefined) throw new Error("the configuration has no agent of the tiny model");
    return { agent: tiny, remark: `You talk to ${TINY_MODEL}, a tiny model on this machine: real, and often wrong.` };
  }
  const model = wantedModel === undefined && found.kind === "found" ? chooseModel(found.models) : undefined;
  const agent = model && byModel(agents, model.name);
  if (agent !== undefined) return { agent, remark: `You talk to ${agent.model ?? ""} of the Ollama at ${ollamaUrl}.` };
  const demo = agents.get(localpartOf("demo"));
  if (demo === undefined) throw new Error("the configuration has no demo agent");
  if (wantedModel === "demo") return { agent: demo, remark: "You talk to the demo agent, which is no AI model." };
  return {
    agent: demo,
    remark: `${whyDemo(found, ollamaUrl)}, so you talk to the demo agent, which is no AI model. ${GET_OLLAMA[found.kind]}`,
  };
}

const GET_OLLAMA: Readonly<Record<FoundOllama["kind"], string>> = {
  absent:
    "For a real one: install Ollama from https://ollama.com/download, run `ollama pull llama3.2:3b`, and start this again; or take a tiny one: --model tiny.",
  unusable: "Set OLLAMA_HOST to the address of an Ollama and start this again.",
  found: "For a real one: run `ollama pull llama3.2:3b` and start this again.",
};

/** Why there is no model of an Ollama's to talk to. */
export function whyDemo(found: FoundOllama, ollamaUrl: string): string {
  switch (found.kind) {
    case "absent":
      return `No Ollama answers at ${ollamaUrl}`;
    case "unusable":
      return `What answers at ${ollamaUrl} is no Ollama`;
    case "found":
      return `The Ollama at ${ollamaUrl} has no model installed that can chat`;
  }
}

function byModel(agents: ReadonlyMap<string, Agent>, model: string): Agent | undefined {
  return [...agents.values()].find((agent) => agent.provider === OLLAMA_PROVIDER && agent.model === model);
}
