import { isDeepStrictEqual } from "node:util";
import type { Config, ProviderConfig } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import { createDemoProvider } from "./demo.ts";
import { governed } from "./governed.ts";
import { observed } from "./observed.ts";
import type { Provider } from "./provider.ts";

/** The providers of a configuration, by their names. */
export async function providersOf(
  config: Pick<Config, "providers">,
  log: Logger,
  metrics?: Metrics,
): Promise<ReadonlyMap<string, Provider>> {
  const made = [...config.providers].map(async ([name, provider]) => {
    const plain = await makeProvider(name, provider, log);
    const seen = metrics === undefined ? plain : observed(plain, metrics);
    return [name, provider.type === "demo" ? seen : governed(seen, provider, metrics)] as const;
  });
  return new Map(await Promise.all(made));
}

/**
 * The providers of another configuration. A provider with the same settings stays the same object, with its waiting
 * requests and its knowledge of its server.
 */
export async function changedProviders(
  providers: ReadonlyMap<string, Provider>,
  before: Pick<Config, "providers">,
  after: Pick<Config, "providers">,
  log: Logger,
  metrics?: Metrics,
): Promise<ReadonlyMap<string, Provider>> {
  const isSame = (name: string): boolean => isDeepStrictEqual(before.providers.get(name), after.providers.get(name));
  const changed = new Map([...after.providers].filter(([name]) => !isSame(name)));
  const kept = [...providers].filter(([name]) => after.providers.has(name) && isSame(name));
  return new Map([...kept, ...(await providersOf({ providers: changed }, log, metrics))]);
}

/** Loads the client of a protocol when the first provider speaks it: the clients are a third of all code that a start loads. */
async function makeProvider(name: string, config: ProviderConfig, log: Logger): Promise<Provider> {
  switch (config.type) {
    case "demo":
      return createDemoProvider(name);
    case "ollama":
      return (await import("./ollama.ts")).createOllamaProvider({ name, ...config, log });
    case "openai":
      return (await import("./openai.ts")).createOpenAiProvider({ name, ...config, log });
    case "anthropic":
      return (await import("./anthropic.ts")).createAnthropicProvider({ name, ...config, log });
  }
}
