import type { CloudPolicy, Locality, PrivacyPolicy } from "../config/config.ts";
import { cloudPolicyIn, mayLeave, type Consent } from "../policy/privacy.ts";
import type { KnownModels } from "../providers/model-facts.ts";
import type { Provider } from "../providers/provider.ts";
import { targetOf, type Consents } from "./consents.ts";
import type { ProviderRequest, ProviderRequests } from "./provider-requests.ts";

/** Where the words for a model go. */
export interface Place {
  readonly provider: string;
  readonly host: string;
  readonly locality: Locality;
}

/** Whom a place is decided for. */
export interface Whose {
  readonly ghost: string;
  readonly roomId: string;
}

/** What stands between a room and the providers: nothing leaves the admin's network unless it may, and all that goes is noted. */
export class PrivacyGate {
  readonly #config: { readonly privacy: PrivacyPolicy };
  readonly #consents: Consents;
  readonly #requests: ProviderRequests;
  readonly #models: KnownModels;
  readonly #isEncrypted: (roomId: string) => Promise<boolean>;

  constructor(options: {
    /** Asked anew each time. */
    readonly config: { readonly privacy: PrivacyPolicy };
    readonly consents: Consents;
    readonly requests: ProviderRequests;
    readonly models: KnownModels;
    readonly isEncrypted: (roomId: string) => Promise<boolean>;
  }) {
    this.#config = options.config;
    this.#consents = options.consents;
    this.#requests = options.requests;
    this.#models = options.models;
    this.#isEncrypted = options.isEncrypted;
  }

  /**
   * Where the words for a model go: to the provider, or to where that passes them on. Throws ProviderError when one that may
   * pass them on can't be asked.
   */
  async placeOf(provider: Provider, model: string): Promise<Place> {
    const here = { provider: provider.name, host: provider.host, locality: provider.locality };
    if (!provider.relays) return here;
    const { remoteHost } = await this.#models.freshFacts(provider, model);
    return remoteHost === undefined ? here : { ...here, host: remoteHost, locality: "cloud" };
  }

  /** What the admin has decided for a room. */
  async policyIn(roomId: string): Promise<CloudPolicy> {
    return cloudPolicyIn(this.#config.privacy, roomId, await this.#isEncrypted(roomId));
  }

  async check({ ghost, roomId }: Whose, place: Place): Promise<"yes" | "ask" | "declined" | "denied"> {
    if (place.locality === "local") return "yes";
    return mayLeave(place.locality, await this.policyIn(roomId), await this.consentOf({ ghost, roomId }, place));
  }

  /** What the room has decided about a place. */
  consentOf({ ghost, roomId }: Whose, { provider, host }: Place): Promise<Consent> {
    return this.#consents.get({ ghost, roomId, target: targetOf(provider, host) });
  }

  /** Notes what is about to be sent. */
  note(request: ProviderRequest): Promise<void> {
    return this.#requests.note(request);
  }
}
