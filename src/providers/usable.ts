import type { ProviderFailure } from "../language/failures.ts";
import { type Provider, ProviderError } from "./provider.ts";

/** Failures of a provider that is nevertheless reachable. */
const THERE: ReadonlySet<ProviderFailure> = new Set(["refused", "busy", "model_missing"]);

/**
 * The reason why a provider can't be used now; undefined when it can. A provider in the admin's own network is asked
 * for its models. A cloud provider is not asked, because only people's questions go there.
 */
export async function whyUnusable(provider: Provider): Promise<string | undefined> {
  if (provider.load?.().paused === "yes") return "it failed repeatedly, and is paused";
  if (provider.locality === "cloud") return undefined;
  try {
    await provider.models();
    return undefined;
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return THERE.has(error.code) ? undefined : error.message;
  }
}

/** The reasons why no provider can be used now; undefined as soon as one can. */
export async function whyNoneUsable(providers: readonly Provider[]): Promise<string | undefined> {
  const reasons: string[] = [];
  const asked = providers.map(async (provider) => {
    const why = await whyUnusable(provider);
    if (why === undefined) return;
    reasons.push(`${provider.name}: ${why}`);
    throw new Error(why);
  });
  return Promise.any(asked).then(
    () => undefined,
    () => `no provider can be asked: ${reasons.sort().join("; ")}`,
  );
}
