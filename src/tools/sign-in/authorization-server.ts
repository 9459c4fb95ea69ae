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
export function originsOf(server: SignInServer): ReadonlySet<string> {
  return new Set([new URL(server.url).origin, ...endpointOrigins(server)]);
}

/** The origins at which an authorisation server may have endpoints. */
function endpointOrigins({ signIn }: SignInServer): ReadonlySet<string> {
  return new Set([new URL(signIn.issuer).origin, ...signIn.origins]);
}

/**
 * Reads an authorisation server's metadata (RFC 8414), and those of the tool server (RFC 9728), if it has some. Throws
 * SignInFailure where they lead to an origin that is not named, or don't fit OAuth 2.1.
 */
export function authorizationServerOf(
  config: SignInServer,
  metadata: JsonObject,
  resourceMetadata: JsonObject | undefined,
): AuthorizationServer {
  const { signIn } = config;
  const named = resourceMetadata === undefined ? undefined : listOf(resourceMetadata["authorization_servers"]);
  if (named !== undefined && named.length > 0 && !named.some((issuer) => isSame(issuer, signIn.issuer)))
    throw new SignInFailure("leads_elsewhere", "the tool server names other authorisation servers than the issuer");
  const methods = metadata["code_challenge_methods_supported"];
  if (!listOf(methods).includes("S256"))
    throw new SignInFailure("unfit", "the authorisation server does not say that it knows PKCE with S256");
  if (!listOf(metadata["response_types_supported"]).includes("code"))
    throw new SignInFailure("unfit", "the authorisation server gives no codes");
  const [authorizationEndpoint, tokenEndpoint, registrationEndpoint, revocationEndpoint] = endpointsIn(
    metadata,
    config,
  );
  if (authorizationEndpoint === undefined || tokenEndpoint === undefined)
    throw new SignInFailure("unfit", "the authorisation server names no endpoints");
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
export function isStillNamed({ issuer, tokenEndpoint }: TokenServer, config: SignInServer): boolean {
  const origin = URL.parse(tokenEndpoint)?.origin;
  return isSame(issuer, config.signIn.issuer) && origin !== undefined && endpointOrigins(config).has(origin);
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

/** The endpoints, in this order. What is missing is undefined. */
const ENDPOINTS = ["authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint"] as const;

/** Throws SignInFailure, for all endpoints at once, where they are at origins that the admin has not named. */
function endpointsIn(metadata: JsonObject, config: SignInServer): readonly (string | undefined)[] {
  const known = endpointOrigins(config);
  const found = ENDPOINTS.flatMap((name) => {
    const url = addressIn(metadata, name);
    return url === undefined ? [] : [{ name, url }];
  });
  const elsewhere = found.filter(({ url }) => !known.has(url.origin));
  if (elsewhere.length > 0)
    throw new SignInFailure(
      "leads_elsewhere",
      `${inWords(elsewhere.map(({ name }) => name))} of the authorisation server: ${unnamed(elsewhere.map(({ url }) => url))}`,
    );
  return ENDPOINTS.map((name) => found.find((one) => one.name === name)?.url.href);
}

function addressIn(metadata: JsonObject, name: string): URL | undefined {
  const address = metadata[name];
  if (address === undefined) return undefined;
  const url = typeof address === "string" && address.length <= LONGEST_ADDRESS ? URL.parse(address) : null;
  if (url === null) throw new SignInFailure("unfit", `${name} of the authorisation server is no address`);
  return url;
}

/**
 * Words for an admin about addresses that sign_in does not name. An origin is repeated only where it could be named: others
 * are the server's own words.
 */
export function unnamed(urls: readonly URL[]): string {
  const origins = [...new Set(urls.map(({ origin }) => origin))];
  if (!origins.every((origin) => NAMEABLE.test(origin))) return "at an address that can't be used";
  const only = "only if it is the authorisation server's own";
  return `at ${inWords(origins)}, which is not configured; name it in sign_in.origins, ${only}`;
}

/** An origin that an admin can name, and that is short enough to be shown. */
const NAMEABLE = /^https:\/\/[a-z0-9.:[\]-]{1,253}$/;

/** A list such as "a, b and c". */
function inWords(list: readonly string[]): string {
  return list.length < 2 ? list.join("") : `${list.slice(0, -1).join(", ")} and ${list.at(-1)}`;
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
