import type { FetchLike } from "@modelcontextprotocol/client";
import { ToolFailure } from "../tool-failure.ts";
import { wantedScopes } from "./scope-challenge.ts";

/** The tokens of one person for one tool server. Throws ToolFailure: `sign_in` where she has to sign in. */
export interface Bearer {
  /** @param refused a token that the server did not take. */
  token(refused?: string): Promise<string>;
  /** The failure of a call whose server wants further scopes: NeedsRights where the person may be asked for them. */
  lacks(scopes: readonly string[]): Promise<ToolFailure>;
}

/**
 * A `fetch` with a person's token. It is read for each request, so that whoever signs out is out at once. A token that the
 * server does not take is replaced once: what it refuses so, it has not carried out (RFC 6750, section 3.1). Neither has it
 * what needs further rights, which end in a failure.
 */
export function authorizedFetch(send: FetchLike, bearer: Bearer | undefined): FetchLike {
  if (bearer === undefined) return send;
  return async (input, init) => {
    const sendWith = (token: string): Promise<Response> => {
      const headers = new Headers(init?.headers);
      headers.set("authorization", `Bearer ${token}`);
      return send(input, { ...init, headers });
    };
    const unlessItWantsMore = async (response: Response): Promise<Response> => {
      const scopes = response.status === 403 ? wantedScopes(response.headers.get("www-authenticate")) : undefined;
      if (scopes === undefined) return response;
      await response.body?.cancel();
      throw await bearer.lacks(scopes);
    };
    const token = await bearer.token();
    const response = await sendWith(token);
    if (response.status !== 401) return unlessItWantsMore(response);
    await response.body?.cancel();
    const again = await sendWith(await bearer.token(token));
    if (again.status !== 401) return unlessItWantsMore(again);
    await again.body?.cancel();
    throw new ToolFailure("sign_in", "the server does not take the person's token");
  };
}
