import type { ModelFacts, Provider } from "./provider.ts";

/** How long what a provider has told of a model is taken for true, in ms. */
const KEPT_MS = 300_000;

/** What providers tell of their models, asked for once in a while. */
export class KnownModels {
  readonly #known = new Map<string, { readonly facts: ModelFacts; readonly at: number }>();

  /** Throws ProviderError when it has to be asked for and can't be. */
  async facts(provider: Provider, model: string): Promise<ModelFacts> {
    const known = this.#known.get(`${provider.name} ${model}`);
    if (known !== undefined && performance.now() - known.at < KEPT_MS) return known.facts;
    return this.freshFacts(provider, model);
  }

  /** As they are now. Throws ProviderError. */
  async freshFacts(provider: Provider, model: string): Promise<ModelFacts> {
    const key = `${provider.name} ${model}`;
    const facts = await provider.facts(model);
    this.#known.set(key, { facts, at: performance.now() });
    return facts;
  }
}
