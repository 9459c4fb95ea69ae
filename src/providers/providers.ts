import { isDeepStrictEqual } from "node:util";
import type { Config, ProviderConfig } from "../config/config.ts";
import type { Logger } from "../observability/log.ts";
import type { Metrics } from "../observability/metrics.ts";
import { createAnthropicProvider } from "./anthropic.ts";
import { createDemoProvider } from "./demo.ts";
import { governed } from "./governed.ts";
import { observed } from "./observed.ts";
import { createOllamaProvider } from "./ollama.ts";
import { createOpenAiProvider } from "./openai.ts";
import type { Provider } from "./provider.ts";

/** The providers of a configuration, by their names. */
export function providersOf(
  config: Pick<Config, "providers">,
  log: Logger,
  metrics?: Metrics,
): ReadonlyMap<string, Provider> {
  return new Map(
    [...config.providers].map(([name, provider]) => {
      const plain = makeProvider(name, provider, log);
      const made = metrics === undefined ? plain : observed(plain, metrics);
      return [name, provider.type === "demo" ? made : governed(made, provider, metrics)];
    }),
  );
}

/**
 * The providers of another configuration. A provider with the same settings stays the same object, with its waiting
 * requests and its knowledge of its server.
 */
export function changedProviders(
  providers: ReadonlyMap<string, Provider>,
  before: Pick<Config, "providers">,
  after: Pick<Config, "providers">,
  log: Logger,
  metrics?: Metrics,
): ReadonlyMap<string, Provider> {
  const isSame = (name: string): boolean => isDeepStrictEqual(before.providers.get(name), after.providers.get(name));
  const changed = new Map([...after.providers].filter(([name]) => !isSame(name)));
  const kept = [...providers].filter(([name]) => after.providers.has(name) && isSame(name));
  return new Map([...kept, ...providersOf({ providers: changed }, log, metrics)]);
}

function makeProvider(name: string, config: ProviderConfig, log: Logger): Provider {
  switch (config.type) {
    case "demo":
      return createDemoProvider(name);
    case "ollama":
      return createOllamaProvider({ name, ...config, log });
    case "openai":
      return createOpenAiProvider({ name, ...config, log });
    case "anthropic":
      return createAnthropicProvider({ name, ...config, log });
  }
}
