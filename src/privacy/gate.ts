import type { CloudPolicy, Locality, PrivacyPolicy } from "../config/config.ts";
import { cloudPolicyIn, cloudReach, cloudRuleIn, countedIn, mayLeave, type Consent } from "./policy.ts";
import type { KnownModels } from "../providers/model-facts.ts";
import { ProviderError, type Provider } from "../providers/provider.ts";
import { targetOf, type Consents } from "./consents.ts";
import type { ProviderRequest, ProviderRequests } from "./provider-requests.ts";

/** The server that the words for a model go to. */
export interface Destination {
  readonly provider: string;
  readonly host: string;
  readonly locality: Locality;
  /** False where a server that is local by its address does not say whether it passes anything on. */
  readonly isSure: boolean;
}

/** Whose words a destination is decided for. */
export interface Whose {
  readonly ghost: string;
  readonly roomId: string;
  /** Whether any of them came encrypted: then the room counts as encrypted, whatever is known of it. */
  readonly encrypted: boolean;
}

/** What stands between a room and the providers: nothing leaves the admin's network unless it may, and all that goes is noted. */
export class PrivacyGate {
  readonly #settings: () => PrivacyPolicy;
  readonly #consents: Consents;
  readonly #requests: ProviderRequests;
  readonly #models: KnownModels;
  readonly #isEncrypted: (roomId: string) => Promise<boolean>;

  constructor(options: {
    /** Asked anew each time. */
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
   * Where the words for a model go: to the provider, or to where that passes them on. Throws ProviderError when one that may
   * pass them on can't be asked.
   */
  async destinationOf(provider: Provider, model: string): Promise<Destination> {
    const here = { provider: provider.name, host: provider.host, locality: provider.locality, isSure: true };
    if (provider.relay === undefined) return here;
    const facts = await this.#models.relayed(provider, model);
    if (facts === undefined) return { ...here, isSure: false };
    return facts.remoteHost === undefined ? here : { ...here, host: facts.remoteHost, locality: "cloud" };
  }

  /** The same to be told of; as the configuration says where the provider can't be asked. */
  async destinationNow(provider: Provider, model: string): Promise<Destination> {
    try {
      return await this.destinationOf(provider, model);
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      return destinationAsConfigured(provider);
    }
  }

  /** What the admin has decided for what is said in a room, and did or did not come encrypted. */
  async policyIn({ roomId, encrypted }: Omit<Whose, "ghost">): Promise<CloudPolicy> {
    return cloudPolicyIn(this.#settings(), roomId, encrypted || (await this.#isEncrypted(roomId)));
  }

  /** Which of the admin's decisions that is; see {@link cloudRuleIn}. */
  async ruleIn({ roomId, encrypted }: Omit<Whose, "ghost">): Promise<ReturnType<typeof cloudRuleIn>> {
    return cloudRuleIn(this.#settings(), roomId, encrypted || (await this.#isEncrypted(roomId)));
  }

  /** Where what is said may leave at all; see {@link cloudReach}. */
  get reach(): ReturnType<typeof cloudReach> {
    return cloudReach(this.#settings());
  }

  async check(whose: Whose, destination: Destination): Promise<"yes" | "ask" | "declined" | "denied"> {
    if (destination.locality === "local") return "yes";
    return mayLeave(destination.locality, await this.policyIn(whose), await this.consentOf(whose, destination));
  }

  /** What the room has decided about a destination, as far as that counts in it now, and for what is to be sent. */
  async consentOf({ ghost, roomId, encrypted }: Whose, { provider, host }: Destination): Promise<Consent> {
    const given = await this.#consents.get({ ghost, roomId, target: targetOf(provider, host) });
    return countedIn(encrypted || (await this.#isEncrypted(roomId)), given);
  }

  /** Notes what is about to be sent. */
  note(request: ProviderRequest): Promise<void> {
    return this.#requests.note(request);
  }
}

/** Where words would go as far as the configuration says, for a provider that can't be asked. */
export function destinationAsConfigured({ name, host, locality }: Provider): Destination {
  return { provider: name, host, locality, isSure: false };
}
