import type { ModelFacts } from "./provider.ts";
import { objectOf } from "../matrix/json.ts";

/**
 * The entry of one model in a list: llama-server gives a part of it outside the list of OpenAI's protocol. Empty where
 * the model is not in the list.
 */
export function entryOf(list: Readonly<Record<string, unknown>>, model: string): Readonly<Record<string, unknown>> {
  const find = (name: string, key: string): Readonly<Record<string, unknown>> =>
    recordsIn(list[name]).find((entry) => entry[key] === model) ?? {};
  return { ...find("models", "model"), ...find("data", "id") };
}

/** Whether a model's entry is one of llama-server's. */
export function isOfLlamaServer(entry: Readonly<Record<string, unknown>>): boolean {
  return entry["owned_by"] === "llamacpp";
}

/** Whether it tells the window of the running model. */
export function tellsWindow(entry: Readonly<Record<string, unknown>>): boolean {
  return typeof objectOf(entry["meta"])["n_ctx"] === "number";
}

/**
 * The facts in llama-server's `/props`: the window of one slot, whether it sees, and whether its template takes tools:
 * without that, the server drops tools without a word. A server with many models, or a sleeping one, gives none.
 */
export function factsInProps(props: unknown): Partial<ModelFacts> {
  const { default_generation_settings: settings, modalities, chat_template_caps: caps } = objectOf(props);
  const { n_ctx: contextTokens } = objectOf(settings);
  const { supports_tools: tools } = objectOf(caps);
  return {
    ...(typeof contextTokens === "number" && contextTokens > 0 ? { contextTokens } : {}),
    ...(objectOf(modalities)["vision"] === true ? { sees: true } : {}),
    ...(typeof tools === "boolean" ? { tools } : {}),
  };
}

function recordsIn(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(objectOf) : [];
}
