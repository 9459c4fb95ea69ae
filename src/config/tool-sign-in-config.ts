/** The way in which people sign in to a server of tools (OAuth 2.1). */
export interface ToolSignInConfig {
  /** The authorisation server (RFC 8414 "issuer"). */
  readonly issuer: string;
  /** The origins beside the issuer's at which it may have endpoints. */
  readonly origins: readonly string[];
  /** The bridge's name at it; undefined: the bridge registers itself. */
  readonly clientId?: string;
  readonly clientSecret?: string;
  /** The rights that are asked for; none: those that the server names. */
  readonly scopes: readonly string[];
  /** The rights that the server may want later, beside `scopes`; without `scopes`, it may want any. */
  readonly moreScopes: readonly string[];
  /** What is added to the address at which people sign in, by the parameters' names. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** `sign_in` of a server after the schema's check, with defaults. */
export interface RawToolSignIn {
  issuer?: string;
  origins: string[];
  client_id?: string;
  scopes: string[];
  more_scopes: string[];
  parameters: Record<string, string>;
}

/** The settings for signing in. The issuer is the server's own origin where none is named. */
export function signInOf(
  { issuer, origins, client_id: clientId, scopes, more_scopes: moreScopes, parameters }: RawToolSignIn,
  url: string,
  clientSecret: string | undefined,
): ToolSignInConfig {
  return {
    issuer: issuer ?? new URL(url).origin,
    origins,
    ...(clientId === undefined ? {} : { clientId }),
    ...(clientSecret === undefined ? {} : { clientSecret }),
    scopes,
    moreScopes,
    parameters,
  };
}
