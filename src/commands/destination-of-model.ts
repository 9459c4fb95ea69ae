import type { Destination } from "../privacy/gate.ts";
import { ProviderError, type Provider } from "../providers/provider.ts";
import type { CommandServices } from "./command.ts";

/** The recipient of messages to a model; undefined where that is unknown now. */
export async function destinationOf(
  { privacy, patience }: Pick<CommandServices, "privacy" | "patience">,
  provider: Provider,
  model: string,
): Promise<Destination | undefined> {
  try {
    return await patience.wait(provider.name, () => privacy.destinationOf(provider, model));
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return undefined;
  }
}
