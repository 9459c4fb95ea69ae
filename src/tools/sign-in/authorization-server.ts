import type { HttpToolServer } from "../../config/config.ts";
import type { ToolSignInConfig } from "../../config/tool-sign-in-config.ts";
import type { JsonObject } from "../../matrix/json.ts";
import { SignInFailure } from "./sign-in-failure.ts";

/** A tool server at which people sign in. */
export type SignInServer = HttpToolServer & { readonly signIn: ToolSignInConfig };

/** An authorisation server, as far as its tokens are concerned: stored with them. */
export interface TokenServer {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly revocationEndpoint?: string;
  /** The ways in which clients may prove themselves, by RFC 8414. */
  readonly authMethods?: readonly string[];
  /** The tool server's name at it (RFC 8707), where it has one. */
  readonly resource?: string;
}

/** The authorisation server of a tool server, as it describes itself, within what the admin has named. */
export interface AuthorizationServer extends TokenServer {
  readonly authorizationEndpoint: string;
  readonly registrationEndpoint?: string;
  /** Whether each answer names the issuer (RFC 9207). */
  readonly namesIssuer: boolean;
  /** Whether a client's name may be the address of a document about it. */
  readonly takesDocuments: boolean;
  /** The rights to ask for; undefined: those that it gives by itself. */
  readonly scope?: string;
}

/** The longest address, and the longest list of a server's that is looked at. */
const LONGEST_ADDRESS = 2_048;
const LONGEST_LIST = 100;

/** The scope for tokens that last longer than the person's visit at the authorisation server. */
const OFFLINE = "offline_access";

/** Whether the configuration has people sign in to a server. */
export function hasSignIn(server: { readonly type: string }): server is SignInServer {
  return server.type === "http" && (server as Partial<SignInServer>).signIn !== undefined;
}

/** The origins that may be reached for signing in to a server: those that the admin has named. */
export function originsOf({ url, signIn }: SignInServer): ReadonlySet<string> {
  return new Set([new URL(url).origin, new URL(signIn.issuer).origin]);
}

/**
 * Reads an authorisation server's metadata (RFC 8414), and those of the tool server (RFC 9728), if it has some. Throws
 * SignInFailure where they lead to another host than the issuer's, or don't fit OAuth 2.1.
 */
export function authorizationServerOf(
  { signIn }: SignInServer,
  metadata: JsonObject,
  resourceMetadata: JsonObject | undefined,
): AuthorizationServer {
  const named = resourceMetadata === undefined ? undefined : listOf(resourceMetadata["authorization_servers"]);
  if (named !== undefined && named.length > 0 && !named.some((issuer) => isSame(issuer, signIn.issuer)))
    throw new SignInFailure("leads_elsewhere", "the tool server names other authorisation servers than the issuer");
  const methods = metadata["code_challenge_methods_supported"];
  if (!listOf(methods).includes("S256"))
    throw new SignInFailure("unfit", "the authorisation server does not say that it knows PKCE with S256");
  if (!listOf(metadata["response_types_supported"]).includes("code"))
    throw new SignInFailure("unfit", "the authorisation server gives no codes");
  const endpoint = (name: string): string | undefined => endpointIn(metadata, name, signIn.issuer);
  const [authorizationEndpoint, tokenEndpoint] = [endpoint("authorization_endpoint"), endpoint("token_endpoint")];
  if (authorizationEndpoint === undefined || tokenEndpoint === undefined)
    throw new SignInFailure("unfit", "the authorisation server names no endpoints");
  const [registrationEndpoint, revocationEndpoint] = [
    endpoint("registration_endpoint"),
    endpoint("revocation_endpoint"),
  ];
  const authMethods = metadata["token_endpoint_auth_methods_supported"];
  const resource = resourceMetadata?.["resource"];
  const scope = scopeOf(signIn, metadata, resourceMetadata);
  return {
    issuer: String(metadata["issuer"]),
    authorizationEndpoint,
    tokenEndpoint,
    ...(registrationEndpoint === undefined ? {} : { registrationEndpoint }),
    ...(revocationEndpoint === undefined ? {} : { revocationEndpoint }),
    ...(Array.isArray(authMethods) ? { authMethods: listOf(authMethods) } : {}),
    ...(typeof resource === "string" ? { resource: resource.slice(0, LONGEST_ADDRESS) } : {}),
    ...(scope === "" ? {} : { scope }),
    namesIssuer: metadata["authorization_response_iss_parameter_supported"] === true,
    takesDocuments: metadata["client_id_metadata_document_supported"] === true,
  };
}

/** Whether an authorisation server is still that of a tool server: the admin may have named another issuer since. */
export function isStillNamed({ issuer, tokenEndpoint }: TokenServer, { signIn }: SignInServer): boolean {
  return isSame(issuer, signIn.issuer) && URL.parse(tokenEndpoint)?.origin === new URL(signIn.issuer).origin;
}

/** Whether a sign-in is for a tool server as it is configured: tokens for another address, or of another issuer, are not for it. */
export function isStillFor(
  { url, from }: { readonly url: string; readonly from: TokenServer },
  config: SignInServer,
): boolean {
  return url === config.url && isStillNamed(from, config);
}

/** An issuer of a host alone is written with and without a slash. */
function isSame(issuer: string, other: string): boolean {
  return issuer.replace(/\/$/, "") === other.replace(/\/$/, "");
}

function endpointIn(metadata: JsonObject, name: string, issuer: string): string | undefined {
  const address = metadata[name];
  if (address === undefined) return undefined;
  const url = typeof address === "string" && address.length <= LONGEST_ADDRESS ? URL.parse(address) : null;
  if (url === null) throw new SignInFailure("unfit", `${name} of the authorisation server is no address`);
  if (url.origin !== new URL(issuer).origin)
    throw new SignInFailure(
      "leads_elsewhere",
      `${name} of the authorisation server is at another host than its issuer`,
    );
  return url.href;
}

/** The configured scopes; else all that the tool server knows (MCP "Scope Selection Strategy"). */
function scopeOf(signIn: ToolSignInConfig, metadata: JsonObject, resourceMetadata: JsonObject | undefined): string {
  if (signIn.scopes.length > 0) return signIn.scopes.join(" ");
  const known = listOf(resourceMetadata?.["scopes_supported"]);
  const lasts = listOf(metadata["scopes_supported"]).includes(OFFLINE) ? [OFFLINE] : [];
  return [...new Set([...known, ...lasts])].join(" ");
}

/** The strings of a list that is no longer than it should be. */
function listOf(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly unknown[])
    .slice(0, LONGEST_LIST)
    .filter((one): one is string => typeof one === "string" && one.length <= LONGEST_ADDRESS && !/\s/.test(one));
}

/** The metadata in the form in which the official client takes them. */
export function metadataOf(server: TokenServer & Partial<AuthorizationServer>) {
  return {
    issuer: server.issuer,
    authorization_endpoint: server.authorizationEndpoint ?? server.tokenEndpoint,
    token_endpoint: server.tokenEndpoint,
    response_types_supported: ["code"],
    code_challenge_methods_supported: ["S256"],
    ...(server.registrationEndpoint === undefined ? {} : { registration_endpoint: server.registrationEndpoint }),
    ...(server.authMethods === undefined ? {} : { token_endpoint_auth_methods_supported: [...server.authMethods] }),
    authorization_response_iss_parameter_supported: server.namesIssuer === true,
  };
}
