import type { CloudPolicy, Locality, PrivacyPolicy } from "../config/config.ts";
import { cloudPolicyIn, cloudReach, cloudRuleIn, countedIn, mayLeave, type Consent } from "./policy.ts";
import type { KnownModels } from "../providers/model-facts.ts";
import { ProviderError, type Provider } from "../providers/provider.ts";
import { targetOf, type Consents } from "./consents.ts";
import type { ProviderRequest, ProviderRequests } from "./provider-requests.ts";

/** The server that gets the messages for a model. */
export interface Destination {
  readonly provider: string;
  readonly host: string;
  readonly locality: Locality;
  /** False where a server with a local address does not say whether it passes messages on. */
  readonly isSure: boolean;
}

/** The messages for which a destination is decided. */
export interface Whose {
  readonly ghost: string;
  readonly roomId: string;
  /** Whether any of them came encrypted: then the room counts as encrypted in any case. */
  readonly encrypted: boolean;
}

/**
 * The gate between rooms and providers: nothing leaves the admin's network without permission, and every request is
 * recorded.
 */
export class PrivacyGate {
  readonly #settings: () => PrivacyPolicy;
  readonly #consents: Consents;
  readonly #requests: ProviderRequests;
  readonly #models: KnownModels;
  readonly #isEncrypted: (roomId: string) => Promise<boolean>;

  constructor(options: {
    /** Read anew each time. */
    readonly settings: () => PrivacyPolicy;
    readonly consents: Consents;
    readonly requests: ProviderRequests;
    readonly models: KnownModels;
    readonly isEncrypted: (roomId: string) => Promise<boolean>;
  }) {
    this.#settings = options.settings;
    this.#consents = options.consents;
    this.#requests = options.requests;
    this.#models = options.models;
    this.#isEncrypted = options.isEncrypted;
  }

  /**
   * The destination of a model's messages: the provider, or the server to which it passes them on. Throws ProviderError
   * when a provider that may pass them on can't be asked.
   */
  async destinationOf(provider: Provider, model: string): Promise<Destination> {
    const here = { provider: provider.name, host: provider.host, locality: provider.locality, isSure: true };
    if (provider.relay === undefined) return here;
    const facts = await this.#models.relayed(provider, model);
    if (facts === undefined) return { ...here, isSure: false };
    return facts.remoteHost === undefined ? here : { ...here, host: facts.remoteHost, locality: "cloud" };
  }

  /** The same for display; the configured one where the provider can't be asked. */
  async destinationNow(provider: Provider, model: string): Promise<Destination> {
    try {
      return await this.destinationOf(provider, model);
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      return destinationAsConfigured(provider);
    }
  }

  /** The admin's policy for a room's messages that did or did not come encrypted. */
  async policyIn({ roomId, encrypted }: Omit<Whose, "ghost">): Promise<CloudPolicy> {
    return cloudPolicyIn(this.#settings(), roomId, encrypted || (await this.#isEncrypted(roomId)));
  }

  /** The admin's rule behind that policy; see {@link cloudRuleIn}. */
  async ruleIn({ roomId, encrypted }: Omit<Whose, "ghost">): Promise<ReturnType<typeof cloudRuleIn>> {
    return cloudRuleIn(this.#settings(), roomId, encrypted || (await this.#isEncrypted(roomId)));
  }

  /** The rooms from which messages may leave at all; see {@link cloudReach}. */
  get reach(): ReturnType<typeof cloudReach> {
    return cloudReach(this.#settings());
  }

  async check(whose: Whose, destination: Destination): Promise<"yes" | "ask" | "declined" | "denied"> {
    if (destination.locality === "local") return "yes";
    return mayLeave(destination.locality, await this.policyIn(whose), await this.consentOf(whose, destination));
  }

  /** The room's decision about a destination, as far as it counts now for these messages. */
  async consentOf({ ghost, roomId, encrypted }: Whose, { provider, host }: Destination): Promise<Consent> {
    const given = await this.#consents.get({ ghost, roomId, target: targetOf(provider, host) });
    return countedIn(encrypted || (await this.#isEncrypted(roomId)), given);
  }

  /** Records a request that is about to be sent. */
  note(request: ProviderRequest): Promise<void> {
    return this.#requests.note(request);
  }
}

/** The configured destination, for a provider that can't be asked. */
export function destinationAsConfigured({ name, host, locality }: Provider): Destination {
  return { provider: name, host, locality, isSure: false };
}
