import { type InstalledModel, ProviderError } from "./provider.ts";

/** So many models of a provider there can be: each may become a user. */
const MOST_MODELS = 2_000;

/** One of a longer name is left out, in characters. */
const LONGEST_NAME = 400;

/** The models of a provider's list, by their names. Throws {@link ProviderError} when one has none. */
export function listedModels(names: readonly unknown[]): InstalledModel[] {
  return names.slice(0, MOST_MODELS).flatMap((name) => {
    if (typeof name !== "string") throw new ProviderError("malformed", "a model in the list has no name");
    return name.length <= LONGEST_NAME ? [{ name }] : [];
  });
}
