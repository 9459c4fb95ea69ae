import { ToolFailure } from "../tool-failure.ts";

/** The most scopes that a server may ask for at once, and the longest, in characters: people read them. */
const MOST_SCOPES = 10;
const LONGEST_SCOPE = 100;

/** The part of a header that is looked at, in characters. */
const LONGEST_HEADER = 4_096;

/** RFC 6749, section 3.3, without what would end the frame in which people see it. */
const SCOPE = /^[\x21\x23-\x3b\x3d\x3f-\x5b\x5d-\x5f\x61-\x7e]+$/;

/** A tool server carries out a call only with further rights of the person, to which she can agree. */
export class NeedsRights extends ToolFailure {
  readonly scopes: readonly string[];

  constructor(scopes: readonly string[]) {
    super("needs_rights", "it wants further scopes of the person");
    this.scopes = scopes;
  }
}

/**
 * The scopes that a server names in an answer 403 (MCP authorization, "Scope Challenge Handling"; RFC 6750, section 3.1). None
 * where it wants further ones and names none, or such as can't be shown to people; undefined where it wants something else.
 *
 * @param header `WWW-Authenticate`.
 */
export function wantedScopes(header: string | null): readonly string[] | undefined {
  const challenge = header?.slice(0, LONGEST_HEADER) ?? "";
  if (!/\bBearer\b/i.test(challenge) || !/[\s,]error="?insufficient_scope(?:["\s,]|$)/.test(challenge))
    return undefined;
  const [, quoted, bare] = /[\s,]scope=(?:"([^"]*)"|([^\s",]+))/.exec(challenge) ?? [];
  const scopes = [...new Set((quoted ?? bare ?? "").split(" ").filter((scope) => scope !== ""))];
  const areShown = scopes.every((scope) => scope.length <= LONGEST_SCOPE && SCOPE.test(scope));
  return areShown && scopes.length <= MOST_SCOPES ? scopes : [];
}

/** The scopes in a list such as OAuth has it. */
export function scopesIn(scope: string | undefined): readonly string[] {
  return (scope ?? "").split(" ").filter((one) => one !== "");
}
