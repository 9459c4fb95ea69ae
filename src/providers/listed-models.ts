import { isStorable } from "../database/text.ts";
import { canChat, type ToldOfModel } from "./can-chat.ts";
import { type InstalledModel, ProviderError } from "./provider.ts";

/** The most models of a provider, because each may become a user. */
const MOST_MODELS = 2_000;

/** Models with longer names are left out, in characters. */
const LONGEST_NAME = 400;

/** A listed model; its name may be anything. */
export type ListedModel = Omit<ToldOfModel, "name"> & { readonly name: unknown };

/**
 * The models of a provider's list; one without a usable name is skipped. Throws {@link ProviderError} when none has a
 * name: then it is no list of models.
 */
export function listedModels(list: readonly ListedModel[]): InstalledModel[] {
  if (list.length > 0 && !list.some(({ name }) => typeof name === "string")) {
    throw new ProviderError("malformed", "the answer is no list of models");
  }
  return list.slice(0, MOST_MODELS).flatMap(({ name, capabilities, type, outputs }) => {
    const isNamed = typeof name === "string" && name !== "" && name.length <= LONGEST_NAME && isStorable(name);
    return isNamed ? [{ name, canChat: canChat({ name, capabilities, type, outputs }) }] : [];
  });
}
