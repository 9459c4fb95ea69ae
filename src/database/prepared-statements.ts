import type pg from "pg";
import { DatabaseError, databaseError, type Result, type Row } from "./database.ts";

/** The most texts that are prepared; PostgreSQL plans a further one each time. Our code has some hundreds. */
const MAX_PREPARED = 1_000;

/**
 * A prepared statement whose tables were changed since, by a migration of another process: its columns have other types now.
 * It did nothing. The next try prepares it anew.
 */
export class PlanOutdated extends DatabaseError {
  constructor(cause: unknown) {
    super("a table was changed under a prepared statement", { code: FEATURE_NOT_SUPPORTED, retryable: true, cause });
  }
}

/** The SQLSTATE of a plan that may not change its columns, among others. */
const FEATURE_NOT_SUPPORTED = "0A000";

/** The function of PostgreSQL that finds a plan outdated. Its messages are in the server's language. */
const OUTDATED_IN = "RevalidateCachedQuery";

/** Runs statements by name, so that each connection parses and plans a text once. */
export class PreparedStatements {
  readonly #names = new Map<string, string>();
  /** Names are never used twice: a connection may still have the old statement of a name. */
  #count = 0;

  /** Throws DatabaseError; {@link PlanOutdated}, when the same would succeed at once outside of a transaction. */
  async run<R extends object = Row>(
    client: pg.ClientBase,
    text: string,
    values: readonly unknown[] = [],
  ): Promise<Result<R>> {
    const name = this.#nameOf(text);
    try {
      const result = await client.query<R>({ text, values: [...values], ...(name === undefined ? {} : { name }) });
      return { rows: result.rows, count: result.rowCount ?? 0 };
    } catch (cause) {
      const error = databaseError(cause);
      const routine = cause instanceof Error && "routine" in cause ? cause.routine : undefined;
      if (error.code !== FEATURE_NOT_SUPPORTED || routine !== OUTDATED_IN) throw error;
      this.#names.clear();
      throw new PlanOutdated(cause);
    }
  }

  #nameOf(text: string): string | undefined {
    const known = this.#names.get(text);
    if (known !== undefined || this.#names.size >= MAX_PREPARED) return known;
    const name = `s${this.#count++}`;
    this.#names.set(text, name);
    return name;
  }
}
