import { cloudByName } from "./ollama-cloud.ts";
import type { ModelFacts, Provider } from "./provider.ts";

/** The time for which a provider's facts about a model are used, in ms. */
const KEPT_MS = 300_000;

/** The providers' facts about their models, fetched from time to time. */
export class KnownModels {
  readonly #known = new Map<string, { readonly facts: ModelFacts; readonly at: number }>();

  /** Throws ProviderError when it must ask and can't. */
  async facts(provider: Provider, model: string): Promise<ModelFacts> {
    const known = this.#known.get(`${provider.name} ${model}`);
    if (known !== undefined && performance.now() - known.at < KEPT_MS) return known.facts;
    return this.#keep(provider, model, await provider.facts(model));
  }

  /**
   * The present facts of a model from a provider that may pass requests on; undefined where it does not say where
   * models run. Throws ProviderError when it can't be asked.
   */
  async relayed(provider: Provider, model: string): Promise<ModelFacts | undefined> {
    const facts = await provider.relay?.facts(model);
    return facts === undefined ? undefined : this.#keep(provider, model, facts);
  }

  /**
   * Whether a provider passes a model's requests on, as far as known: by the model's name, or by the provider's last
   * answer.
   */
  isPassedOn(provider: string, model: string): boolean {
    return cloudByName(model) !== undefined || this.#known.get(`${provider} ${model}`)?.facts.remoteHost !== undefined;
  }

  #keep(provider: Provider, model: string, facts: ModelFacts): ModelFacts {
    this.#known.set(`${provider.name} ${model}`, { facts, at: performance.now() });
    return facts;
  }
}
