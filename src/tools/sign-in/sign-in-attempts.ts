import { inBatches } from "../../database/batches.ts";
import type { Database, Queryable } from "../../database/database.ts";
import { hashOf, isSecret, newSecret } from "../../sealing/secret.ts";
import type { SealedRow, Seals } from "../../sealing/seals.ts";
import type { AuthorizationServer } from "./authorization-server.ts";
import type { OAuthClient, Tokens } from "./authorization.ts";
import { codeOf, newCode } from "./confirmation-code.ts";
import type { PersonAt } from "./person-at.ts";
import { openAlone } from "./sealed-alone.ts";

/** The time from a link until the browser is back, and from there until the person has confirmed it, in minutes. */
export const ATTEMPT_MINUTES = 15;

/** The codes that a person may try. */
const MOST_TRIES = 3;

/** A sign-in under way, as it is stored; all of it is sealed. */
export interface AttemptBody {
  /** The tool server's address when the link was made. */
  readonly url: string;
  readonly link: string;
  /** The secret behind the link (PKCE). */
  readonly verifier: string;
  readonly redirect: string;
  readonly from: AuthorizationServer;
  /** The bridge's name, where it has registered itself. */
  readonly client?: OAuthClient;
}

/** A sign-in under way. */
export interface Attempt extends PersonAt, AttemptBody {
  readonly stateHash: string;
}

/** One whose browser was at our page: its tokens wait for the person's word. */
export interface UnconfirmedAttempt extends Attempt {
  readonly tokens: Tokens;
}

/** The rows that are deleted at once: what they hold is revoked before the next ones are. */
const BATCH_ROWS = 50;

/** The rows of `sign_in_attempts`: one for each person and server. All methods throw DatabaseError. */
export class SignInAttempts {
  readonly #database: Database;
  readonly #seals: Seals;

  constructor(database: Database, seals: Seals) {
    this.#database = database;
    this.#seals = seals;
  }

  /** A person's sign-in whose link waits for her, with the question or command for which it was made. */
  async asked({ server, userId }: PersonAt): Promise<(Attempt & { readonly madeBy: string }) | undefined> {
    const { rows } = await this.#database.query<AttemptRow & { readonly made_by: string }>(
      `select ${COLUMNS}, made_by from sign_in_attempts
       where server = $1 and user_id = $2 and stage = 'asked' and expires_at > now()`,
      [server, userId],
    );
    const [attempt, madeBy] = [await this.#opened(rows), rows[0]?.made_by];
    return attempt === undefined || madeBy === undefined ? undefined : { ...attempt, madeBy };
  }

  /**
   * Begins a sign-in, in place of an earlier one of the same person and server. Returns that, where its tokens were taken
   * already.
   */
  async begin(
    state: string,
    { server, userId }: PersonAt,
    madeBy: string,
    body: AttemptBody,
  ): Promise<readonly UnconfirmedAttempt[]> {
    const stateHash = hashOf(state);
    const replaced = await this.#database.transaction(async (tx) => {
      const seal = await this.#seals.in(tx, { person: userId, isLasting: true });
      const { rows } = await tx.query<AttemptRow>(
        `delete from sign_in_attempts where server = $1 and user_id = $2 returning ${COLUMNS}`,
        [server, userId],
      );
      await tx.query(
        `insert into sign_in_attempts (state_hash, server, user_id, made_by, stage, body, sealed_by, expires_at)
         values ($1, $2, $3, $4, 'asked', $5, $6, now() + make_interval(mins => ${ATTEMPT_MINUTES}))
         on conflict (server, user_id) do update set state_hash = excluded.state_hash, made_by = excluded.made_by,
           stage = 'asked', code_hash = null, tries = 0, body = excluded.body, sealed_by = excluded.sealed_by,
           expires_at = excluded.expires_at`,
        [stateHash, server, userId, madeBy, seal.seal(JSON.stringify(body), CONTEXT, stateHash), seal.id],
      );
      return rows;
    });
    return unconfirmedIn(this.#seals, replaced);
  }

  /** The person and the server of a link whose browser is back. It uses nothing up. */
  async about(state: unknown): Promise<PersonAt | undefined> {
    if (!isSecret(state)) return undefined;
    const { rows } = await this.#database.query<{ server: string; user_id: string }>(
      `select server, user_id from sign_in_attempts
       where state_hash = $1 and stage = 'asked' and expires_at > now()`,
      [hashOf(state)],
    );
    const [row] = rows;
    return row && { server: row.server, userId: row.user_id };
  }

  /**
   * Takes a sign-in whose browser is back, once. Undefined where there is none for that `state`.
   *
   * @param who only hers, at that server.
   */
  async take(state: unknown, who?: PersonAt): Promise<Attempt | undefined> {
    if (!isSecret(state)) return undefined;
    const { rows } = await this.#database.query<AttemptRow>(
      `update sign_in_attempts set stage = 'exchanging'
       where state_hash = $1 and stage = 'asked' and expires_at > now()
         and ($2::text is null or server = $2) and ($3::text is null or user_id = $3) returning ${COLUMNS}`,
      [hashOf(state), who?.server ?? null, who?.userId ?? null],
    );
    return this.#opened(rows);
  }

  /** Ends a sign-in without a result. */
  async end({ stateHash }: Attempt): Promise<void> {
    await this.#database.query("delete from sign_in_attempts where state_hash = $1", [stateHash]);
  }

  /** The same in the transaction that stores its result. False where it was replaced by a later one. */
  async complete(tx: Queryable, { stateHash }: Attempt): Promise<boolean> {
    const { count } = await tx.query("delete from sign_in_attempts where state_hash = $1", [stateHash]);
    return count > 0;
  }

  /**
   * Keeps the tokens of a sign-in until the person confirms it. Resolves with the code by which she does; undefined where
   * the sign-in was replaced by a later one.
   */
  async keep(attempt: Attempt, tokens: Tokens): Promise<string | undefined> {
    const { stateHash, userId, url, link, verifier, redirect, from, client } = attempt;
    const code = newCode();
    const body = { url, link, verifier, redirect, from, ...(client === undefined ? {} : { client }), tokens };
    const kept = await this.#database.transaction(async (tx) => {
      const seal = await this.#seals.in(tx, { person: userId, isLasting: true });
      const { count } = await tx.query(
        `update sign_in_attempts set stage = 'unconfirmed', code_hash = $2, body = $3, sealed_by = $4,
           expires_at = now() + make_interval(mins => ${ATTEMPT_MINUTES})
         where state_hash = $1 and stage = 'exchanging'`,
        [stateHash, hashOf(codeOf(code)), seal.seal(JSON.stringify(body), CONTEXT, stateHash), seal.id],
      );
      return count > 0;
    });
    return kept ? code : undefined;
  }

  /**
   * A person's word that a sign-in is hers. `wrong`: another code; after some of these, `spent`: the sign-in is over.
   * Undefined where none waits for her word.
   */
  async confirm(
    { server, userId }: PersonAt,
    code: string,
  ): Promise<{ readonly kind: "right" | "wrong" | "spent"; readonly attempt: UnconfirmedAttempt } | undefined> {
    const { rows } = await this.#database.query<AttemptRow & { right: boolean; tries: number }>(
      `update sign_in_attempts set tries = tries + 1
       where server = $1 and user_id = $2 and stage = 'unconfirmed' and expires_at > now() and tries < ${MOST_TRIES}
       returning ${COLUMNS}, tries, code_hash = $3 as right`,
      [server, userId, hashOf(codeOf(code))],
    );
    const [attempt] = await unconfirmedIn(this.#seals, rows);
    const [row] = rows;
    if (attempt === undefined || row === undefined) return undefined;
    return { kind: row.right ? "right" : row.tries < MOST_TRIES ? "wrong" : "spent", attempt };
  }

  /** Ends those that wait for a code, whosever they are. Returns them. */
  async spoil(code: string): Promise<readonly UnconfirmedAttempt[]> {
    const { rows } = await this.#database.query<AttemptRow>(
      `delete from sign_in_attempts where stage = 'unconfirmed' and code_hash = $1 returning ${COLUMNS}`,
      [hashOf(codeOf(code))],
    );
    return unconfirmedIn(this.#seals, rows);
  }

  /**
   * Deletes those that came to nothing. Returns their number.
   *
   * @param dropped is given those whose tokens were taken.
   */
  prune(dropped: (all: readonly UnconfirmedAttempt[]) => Promise<unknown>, signal?: AbortSignal): Promise<number> {
    return inBatches(async () => {
      const { rows } = await this.#database.query<AttemptRow>(
        `delete from sign_in_attempts where state_hash = any (array(
           select state_hash from sign_in_attempts where expires_at < now() limit ${BATCH_ROWS}
         )) and expires_at < now() returning ${COLUMNS}`,
      );
      await dropped(await unconfirmedIn(this.#seals, rows));
      return { rows: rows.length, isLast: rows.length < BATCH_ROWS };
    }, signal);
  }

  async #opened(found: readonly AttemptRow[]): Promise<Attempt | undefined> {
    const [attempt] = await openAttempts(this.#seals, found);
    return attempt;
  }
}

/**
 * Deletes the sign-ins under way of people at servers; an absent field means all. Returns the rows. Throws DatabaseError.
 */
export async function endAttempts(
  tx: Queryable,
  { userId, server }: Partial<PersonAt>,
): Promise<readonly AttemptRow[]> {
  const { rows } = await tx.query<AttemptRow>(
    `delete from sign_in_attempts where ($1::text is null or user_id = $1) and ($2::text is null or server = $2)
     returning ${COLUMNS}`,
    [userId ?? null, server ?? null],
  );
  return rows;
}

/** Those of some rows whose tokens were taken. Throws DatabaseError. */
export async function unconfirmedIn(seals: Seals, rows: readonly AttemptRow[]): Promise<readonly UnconfirmedAttempt[]> {
  const opened = await openAttempts(seals, rows);
  return opened.filter((one): one is UnconfirmedAttempt => "tokens" in one);
}

async function openAttempts(seals: Seals, rows: readonly AttemptRow[]): Promise<readonly Attempt[]> {
  const opened: Attempt[] = [];
  for (const row of rows) {
    const { state_hash: stateHash, server, user_id: userId } = row;
    const body = await openAlone(seals, row, [CONTEXT, stateHash]);
    if (body !== undefined) opened.push({ stateHash, server, userId, ...(JSON.parse(body) as AttemptBody) });
  }
  return opened;
}

/** A new `state` for a link: it names one sign-in of one person, and can't be guessed. */
export function newState(): string {
  return newSecret();
}

/** The context that an attempt is sealed with: see sealing/sealed-text.ts. */
const CONTEXT = "sign_in_attempts.body";

const COLUMNS = "state_hash, server, user_id, body, sealed_by";

/** A row of `sign_in_attempts`. */
export interface AttemptRow extends SealedRow {
  readonly state_hash: string;
  readonly server: string;
  readonly user_id: string;
  readonly body: string;
}
