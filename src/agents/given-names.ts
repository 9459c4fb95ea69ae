import type { Database } from "../database/database.ts";

/** An agent's name, and the model that has it. */
export interface GivenName {
  /** The localpart of the agent's user id. */
  readonly localpart: string;
  readonly provider: string;
  /** The model as the provider names it; empty for an agent without a model of its own. */
  readonly model: string;
  /** Whether the provider's last list contained it. */
  readonly isListed: boolean;
}

/** Stores the names of agents. */
export interface NameBook {
  all(): Promise<readonly GivenName[]>;
  /**
   * Gives each name to the model that already has it, or else to the first that asked for it, in any process.
   *
   * @param byAdmin the names that the configuration gives, whichever model had them before.
   * @param providers the configured providers: names of other providers are free again.
   */
  give(names: readonly GivenName[], byAdmin: ReadonlySet<string>, providers: ReadonlySet<string>): Promise<void>;
}

/** The names of agents: the rows of `given_names`. */
export class GivenNames implements NameBook {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Throws DatabaseError. */
  async all(): Promise<readonly GivenName[]> {
    const { rows } = await this.#database.query<{
      localpart: string;
      provider: string;
      model: string;
      is_listed: boolean;
    }>("select localpart, provider, model, is_listed from given_names");
    return rows.map(({ localpart, provider, model, is_listed: isListed }) => ({
      localpart,
      provider,
      model,
      isListed,
    }));
  }

  /** Throws DatabaseError. */
  async give(names: readonly GivenName[], byAdmin: ReadonlySet<string>, providers: ReadonlySet<string>): Promise<void> {
    if (names.length === 0) return;
    await this.#database.query(
      `insert into given_names (localpart, provider, model, is_listed)
       select * from unnest($1::text[], $2::text[], $3::text[], $4::boolean[])
       on conflict (localpart) do update
         set provider = excluded.provider, model = excluded.model, is_listed = excluded.is_listed
         where given_names.localpart = any ($5::text[])
           or not given_names.provider = any ($6::text[])
           or (given_names.provider = excluded.provider and given_names.model = excluded.model)`,
      [
        names.map(({ localpart }) => localpart),
        names.map(({ provider }) => provider),
        names.map(({ model }) => model),
        names.map(({ isListed }) => isListed),
        [...byAdmin],
        [...providers],
      ],
    );
  }
}
