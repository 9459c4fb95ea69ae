import type { Logger } from "../../observability/log.ts";
import { isStillNamed, type SignInServer, type TokenServer } from "./authorization-server.ts";
import { withAuthorization, type OAuthClient, type Tokens } from "./authorization.ts";
import { SignInFailure } from "./sign-in-failure.ts";
import { clientOf } from "./tool-clients.ts";

/** Tokens that the bridge keeps no more. */
export interface DroppedTokens {
  /** The tool server's name. */
  readonly server: string;
  readonly from: TokenServer;
  /** The bridge's name at the authorisation server, where it has registered itself. */
  readonly client?: OAuthClient;
  readonly tokens: Tokens;
}

/** The surroundings of revocations. */
export interface RevocationOptions {
  /** The configuration of a server to which people sign in; undefined where there is no such one any more. */
  readonly server: (name: string) => SignInServer | undefined;
  readonly log: Logger;
}

/**
 * Has the authorisation servers end tokens that are kept here no more, one after the other: whoever has copied them has nothing
 * then. One that is away is asked once; the tokens are forgotten here in any case. Never throws a SignInFailure. Returns the
 * number of those that nobody has revoked.
 */
export async function revokeDropped(
  dropped: readonly DroppedTokens[],
  { server: configOf, log }: RevocationOptions,
  signal?: AbortSignal,
): Promise<number> {
  const away = new Set<string>();
  let left = 0;
  for (const { server, from, client: own, tokens } of dropped) {
    const config = configOf(server);
    const client = config && clientOf(config, own);
    const isAsked = signal?.aborted !== true && !away.has(server);
    // Of a server that is configured no more, or names another authorisation server, nothing may be reached.
    if (!isAsked || config === undefined || client === undefined || !isStillNamed(from, config)) {
      left++;
      continue;
    }
    try {
      const isDone = await withAuthorization(config, (authorization) => authorization.revoke(from, client, tokens));
      if (!isDone) left++;
    } catch (error) {
      if (!(error instanceof SignInFailure)) throw error;
      left++;
      if (error.code === "away") away.add(server);
      log.warn({ server, error }, "tokens for a tool server are forgotten, but were not revoked");
    }
  }
  return left;
}
