import type { Database } from "../../database/database.ts";
import { unlessBroken } from "../../sealing/sealed-text.ts";
import type { SealedRow, Seals } from "../../sealing/seals.ts";
import type { SignInServer } from "./authorization-server.ts";
import { scopesIn } from "./scope-challenge.ts";
import type { OAuthClient } from "./authorization.ts";

/** The bridge as it has registered itself. */
interface Registered {
  readonly issuer: string;
  readonly redirect: string;
  /** The scopes for which it has registered; those of former versions have none. Some servers give no others. */
  readonly scope?: string;
  readonly client: OAuthClient;
}

/** The rows of `tool_clients`: the bridge's names at authorisation servers, one for each tool server. Throws DatabaseError. */
export class ToolClients {
  readonly #database: Database;
  readonly #seals: Seals;

  constructor(database: Database, seals: Seals) {
    this.#database = database;
    this.#seals = seals;
  }

  /**
   * The bridge's name at an issuer, for a way back and some scopes; undefined where it has to register.
   *
   * @param isFurther whether a tool server wants scopes beside those that are asked for at first.
   */
  async find(
    server: string,
    { issuer, redirect, scope }: Omit<Registered, "client">,
    isFurther = false,
  ): Promise<OAuthClient | undefined> {
    const { rows } = await this.#database.query<SealedRow & { readonly body: string }>(
      "select body, sealed_by from tool_clients where server = $1",
      [server],
    );
    const opened = await this.#seals.open(rows);
    const [row] = opened.rows;
    const body = row && unlessBroken(() => opened.open(row, row.body, CONTEXT, server));
    if (body === undefined) return undefined;
    const found = JSON.parse(body) as Registered;
    const covered = new Set(scopesIn(found.scope ?? (isFurther ? undefined : scope)));
    const isWide = scopesIn(scope).every((one) => covered.has(one));
    return found.issuer === issuer && found.redirect === redirect && isWide ? found.client : undefined;
  }

  /** Keeps a new name, in place of an earlier one. Of two processes that register at once, either may be the later one. */
  async store(server: string, registered: Registered): Promise<void> {
    await this.#database.transaction(async (tx) => {
      // One key that lasts: it belongs to no ghost, room or person.
      const seal = await this.#seals.in(tx, { isLasting: true });
      await tx.query(
        `insert into tool_clients (server, body, sealed_by) values ($1, $2, $3)
         on conflict (server) do update set body = excluded.body, sealed_by = excluded.sealed_by, registered_at = now()`,
        [server, seal.seal(JSON.stringify(registered), CONTEXT, server), seal.id],
      );
    });
  }

  /** Forgets a name that the authorisation server does not know any more. */
  async forget(server: string): Promise<void> {
    await this.#database.query("delete from tool_clients where server = $1", [server]);
  }

  /** Deletes those of servers that are not configured any more. Returns their number. */
  async prune(servers: readonly string[]): Promise<number> {
    const { count } = await this.#database.query("delete from tool_clients where server <> all($1::text[])", [servers]);
    return count;
  }
}

/**
 * The bridge's name at the authorisation server that gives, or has given, tokens; undefined where it has none any more.
 *
 * @param own the name by which it has registered itself for these tokens: they are bound to it, whatever is configured since.
 */
export function clientOf({ signIn }: SignInServer, own: OAuthClient | undefined): OAuthClient | undefined {
  if (own !== undefined) return own;
  const { clientId: id, clientSecret: secret } = signIn;
  return id === undefined ? undefined : { id, ...(secret === undefined ? {} : { secret }) };
}

/** The context that a name is sealed with: see sealing/sealed-text.ts. */
const CONTEXT = "tool_clients.body";
