import { canChat, type ToldOfModel } from "./can-chat.ts";
import { type InstalledModel, ProviderError } from "./provider.ts";

/** So many models of a provider there can be: each may become a user. */
const MOST_MODELS = 2_000;

/** One of a longer name is left out, in characters. */
const LONGEST_NAME = 400;

/** A model of a provider's list, whatever its name may be. */
export type ListedModel = Omit<ToldOfModel, "name"> & { readonly name: unknown };

/** The models of a provider's list. Throws {@link ProviderError} when one has no name. */
export function listedModels(list: readonly ListedModel[]): InstalledModel[] {
  return list.slice(0, MOST_MODELS).flatMap(({ name, capabilities, type, outputs }) => {
    if (typeof name !== "string") throw new ProviderError("malformed", "a model in the list has no name");
    return name.length <= LONGEST_NAME ? [{ name, canChat: canChat({ name, capabilities, type, outputs }) }] : [];
  });
}
