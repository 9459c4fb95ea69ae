import type { OAuthTokens } from "@modelcontextprotocol/client";
import type { JsonObject } from "../../matrix/json.ts";
import {
  authorizationServerOf,
  metadataOf,
  originsOf,
  type AuthorizationServer,
  type SignInServer,
  type TokenServer,
} from "./authorization-server.ts";
import { oauthFetch, type OAuthFetch } from "./oauth-fetch.ts";
import { SignInFailure } from "./sign-in-failure.ts";

/** The bridge's name at an authorisation server. */
export interface OAuthClient {
  readonly id: string;
  readonly secret?: string;
}

/** A person's tokens for a tool server. */
export interface Tokens {
  readonly access: string;
  readonly refresh?: string;
  /** When the access token ends, in ms since 1970; undefined: unknown. */
  readonly expiresAt?: number;
}

/** A link for signing in, with the secret that proves later who made it (PKCE, RFC 7636). */
export interface AskedAuthorization {
  readonly link: string;
  readonly verifier: string;
}

/** The answer in the address to which the authorisation server has led the browser. */
export interface AuthorizationAnswer {
  readonly code: string;
  readonly iss?: string | undefined;
}

const LONGEST_TOKEN = 16_384;
const LONGEST_CLIENT = 2_048;
/** Any longer token is asked for anew within a year. */
const LONGEST_LIFE_SECONDS = 31_536_000;

/** The name under which people see the bridge at the authorisation server. */
const CLIENT_NAME = "Matrix agents";

/**
 * The requests to one authorisation server, by the official client's functions. All methods throw SignInFailure. `end` ends its
 * connections.
 */
export class Authorization {
  readonly #server: SignInServer;
  readonly #http: OAuthFetch;

  constructor(server: SignInServer) {
    this.#server = server;
    this.#http = oauthFetch(originsOf(server), server.ca);
  }

  end(): Promise<void> {
    return this.#http.end();
  }

  /** Reads what the tool server and its authorisation server say of themselves. */
  discover(): Promise<AuthorizationServer> {
    const { url, signIn } = this.#server;
    return failing(async () => {
      const { checkResourceAllowed, discoverAuthorizationServerMetadata } = await client();
      const [resource, metadata] = await Promise.all([
        this.#resourceMetadata(),
        discoverAuthorizationServerMetadata(signIn.issuer, { fetchFn: this.#http.fetch }),
      ]);
      if (metadata === undefined)
        throw new SignInFailure("unfit", "the issuer tells no metadata, so it may be written wrongly");
      if (resource !== undefined) {
        const configuredResource = resource["resource"] as string;
        if (!checkResourceAllowed({ requestedResource: url, configuredResource }))
          throw new SignInFailure("leads_elsewhere", "the tool server's metadata are about another server");
      }
      return authorizationServerOf(this.#server, metadata, resource);
    });
  }

  /** Makes the link that a person opens. It asks nobody. */
  ask(
    server: AuthorizationServer,
    { id }: OAuthClient,
    { state, redirect }: { readonly state: string; readonly redirect: string },
  ): Promise<AskedAuthorization> {
    return failing(async () => {
      const { startAuthorization } = await client();
      const { authorizationUrl, codeVerifier } = await startAuthorization(server.issuer, {
        metadata: metadataOf(server),
        clientInformation: { client_id: id },
        redirectUrl: redirect,
        state,
        ...(server.scope === undefined ? {} : { scope: server.scope }),
        ...(server.resource === undefined ? {} : { resource: server.resource }),
      });
      for (const [name, value] of Object.entries(this.#server.signIn.parameters))
        if (name === "prompt" || !authorizationUrl.searchParams.has(name))
          authorizationUrl.searchParams.set(name, value);
      return { link: authorizationUrl.href, verifier: codeVerifier };
    });
  }

  /** Registers the bridge (RFC 7591), as a client without a secret. */
  register(server: AuthorizationServer, redirect: string): Promise<OAuthClient> {
    return failing(async () => {
      const { registerClient, RegistrationRejectedError } = await client();
      const isLoopback = redirect.startsWith("http:");
      try {
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- many servers know no other way yet
        const { client_id: id, client_secret: secret } = await registerClient(server.issuer, {
          metadata: metadataOf(server),
          clientMetadata: clientMetadata(redirect, isLoopback ? "native" : "web"),
          fetchFn: this.#http.fetch,
          ...(server.scope === undefined ? {} : { scope: server.scope }),
        });
        if (id.length > LONGEST_CLIENT || (secret?.length ?? 0) > LONGEST_CLIENT)
          throw new SignInFailure("unfit", "the authorisation server's name for the bridge is too long");
        return { id, ...(secret === undefined ? {} : { secret }) };
      } catch (error) {
        if (!(error instanceof RegistrationRejectedError)) throw error;
        const code = error.status >= 500 ? "away" : "needs_client";
        throw new SignInFailure(code, `the authorisation server does not register the bridge (HTTP ${error.status})`);
      }
    });
  }

  /** Takes tokens for a code. */
  exchange(
    server: TokenServer & Pick<AuthorizationServer, "namesIssuer">,
    as: OAuthClient,
    { code, iss }: AuthorizationAnswer,
    { verifier, redirect }: { readonly verifier: string; readonly redirect: string },
  ): Promise<Tokens> {
    return failing(async () => {
      const { exchangeAuthorization } = await client();
      return tokensOf(
        await exchangeAuthorization(server.issuer, {
          metadata: metadataOf(server),
          clientInformation: informationOf(as),
          authorizationCode: code,
          ...(iss === undefined ? {} : { iss }),
          codeVerifier: verifier,
          redirectUri: redirect,
          ...(server.resource === undefined ? {} : { resource: server.resource }),
          fetchFn: this.#http.fetch,
        }),
      );
    });
  }

  /** Takes new tokens. `refused`: the old one counts no more. */
  refresh(server: TokenServer, as: OAuthClient, refreshToken: string): Promise<Tokens> {
    return failing(async () => {
      const { refreshAuthorization } = await client();
      return tokensOf(
        await refreshAuthorization(server.issuer, {
          metadata: metadataOf(server),
          clientInformation: informationOf(as),
          refreshToken,
          ...(server.resource === undefined ? {} : { resource: server.resource }),
          fetchFn: this.#http.fetch,
        }),
      );
    });
  }

  /**
   * Whether the authorisation server knows the bridge by a name and secret; undefined where it does not say. It is asked for new
   * tokens in exchange for none: it looks at who asks first (RFC 6749, section 5.2).
   */
  async knows(server: TokenServer, as: OAuthClient): Promise<boolean | undefined> {
    try {
      await this.refresh(server, as, "none");
    } catch (error) {
      if (!(error instanceof SignInFailure) || error.code === "away") throw error;
      return error.code === "refused" ? true : error.code === "needs_client" ? false : undefined;
    }
    return undefined;
  }

  /** Has the authorisation server end tokens (RFC 7009). False where it has no way to do so. */
  revoke(server: TokenServer, as: OAuthClient, { access, refresh }: Tokens): Promise<boolean> {
    const { revocationEndpoint } = server;
    if (revocationEndpoint === undefined) return Promise.resolve(false);
    return failing(async () => {
      const { selectClientAuthMethod } = await client();
      const how = selectClientAuthMethod(informationOf(as), [...(server.authMethods ?? [])]);
      const body = new URLSearchParams({
        token: refresh ?? access,
        token_type_hint: refresh === undefined ? "access_token" : "refresh_token",
        ...(how === "client_secret_basic" ? {} : { client_id: as.id }),
        ...(how === "client_secret_post" && as.secret !== undefined ? { client_secret: as.secret } : {}),
      });
      const proof = Buffer.from(`${as.id}:${as.secret ?? ""}`).toString("base64");
      const response = await this.#http.fetch(revocationEndpoint, {
        method: "POST",
        headers: {
          "content-type": "application/x-www-form-urlencoded",
          ...(how === "client_secret_basic" ? { authorization: `Basic ${proof}` } : {}),
        },
        body: body.toString(),
      });
      if (!response.ok) throw new SignInFailure("unfit", `the tokens were not revoked (HTTP ${response.status})`);
      return true;
    });
  }

  /** What the tool server says of itself; undefined where it says nothing. */
  async #resourceMetadata(): Promise<JsonObject | undefined> {
    const { discoverOAuthProtectedResourceMetadata } = await client();
    let status: number | undefined;
    try {
      const found = await discoverOAuthProtectedResourceMetadata(this.#server.url, {}, async (...asked) => {
        const response = await this.#http.fetch(...asked);
        status = response.status;
        return response;
      });
      return found;
    } catch (error) {
      if (status !== undefined && status >= 400 && status < 500 && !(error instanceof SignInFailure)) return undefined;
      throw error;
    }
  }
}

/** Uses connections to an authorisation server, and ends them: signing in is rare. */
export async function withAuthorization<T>(
  config: SignInServer,
  work: (authorization: Authorization) => Promise<T>,
): Promise<T> {
  const authorization = new Authorization(config);
  try {
    return await work(authorization);
  } finally {
    await authorization.end();
  }
}

/** The bridge as it describes itself to authorisation servers. */
export function clientMetadata(redirect: string, type: "native" | "web") {
  return {
    client_name: CLIENT_NAME,
    redirect_uris: [redirect],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
    application_type: type,
  };
}

function client() {
  return import("@modelcontextprotocol/client");
}

function informationOf({ id, secret }: OAuthClient) {
  return { client_id: id, ...(secret === undefined ? {} : { client_secret: secret }) };
}

/** Throws SignInFailure where a token could not stand in a header. */
function tokensOf(told: OAuthTokens): Tokens {
  const { access_token: access, refresh_token: refresh, expires_in: seconds, token_type: type } = told;
  const isToken = (token: string): boolean => token.length <= LONGEST_TOKEN && /^[\x21-\x7e]+$/.test(token);
  if (type.toLowerCase() !== "bearer" || !isToken(access) || (refresh !== undefined && !isToken(refresh)))
    throw new SignInFailure("unfit", "the authorisation server gives tokens that can't be used");
  const life = seconds === undefined ? undefined : Math.min(Math.max(0, seconds), LONGEST_LIFE_SECONDS);
  return {
    access,
    ...(refresh === undefined ? {} : { refresh }),
    ...(life === undefined ? {} : { expiresAt: Date.now() + life * 1_000 }),
  };
}

/** The codes of errors (RFC 6749, section 5.2) that something must be done about. All other ones mean that something does not fit. */
const MEANINGS: ReadonlyMap<string, SignInFailure["code"]> = new Map([
  ["invalid_grant", "refused"],
  ["invalid_client", "needs_client"],
  ["unauthorized_client", "needs_client"],
  ["access_denied", "denied"],
  ["server_error", "away"],
  ["temporarily_unavailable", "away"],
  ["too_many_requests", "away"],
]);

/** Gives the official client's errors their meaning. Their words may be the server's, so they are dropped. */
async function failing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SignInFailure) throw error;
    const { IssuerMismatchError, OAuthError } = await client();
    if (error instanceof IssuerMismatchError)
      throw error.kind === "metadata"
        ? new SignInFailure("unfit", "the authorisation server names another issuer than the configured one")
        : new SignInFailure("other_issuer", "the answer is that of another authorisation server");
    if (error instanceof OAuthError) {
      const meaning = MEANINGS.get(error.code);
      const known = meaning === undefined ? "an error" : `the error ${error.code}`;
      throw new SignInFailure(meaning ?? "unfit", `the authorisation server answers with ${known}`);
    }
    const kind = error instanceof Error ? error.name : typeof error;
    throw new SignInFailure("unfit", `an answer of the authorisation server can't be read (${kind})`);
  }
}
