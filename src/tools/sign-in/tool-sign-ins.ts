import { AuditLog } from "../../audit/audit-log.ts";
import type { Actor } from "../../audit/audit-entry.ts";
import { inBatches } from "../../database/batches.ts";
import type { Database, Queryable } from "../../database/database.ts";
import { newSecret } from "../../sealing/secret.ts";
import type { SealedRow, Seals } from "../../sealing/seals.ts";
import type { TokenServer } from "./authorization-server.ts";
import type { OAuthClient, Tokens } from "./authorization.ts";
import type { DroppedTokens } from "./dropped-tokens.ts";
import { openAlone } from "./sealed-alone.ts";
import { endAttempts, unconfirmedIn } from "./sign-in-attempts.ts";
import type { PersonAt } from "./person-at.ts";

/** What a sign-in consists of, all of it sealed. */
export interface SignedInBody {
  /** The tool server's address when she signed in: her tokens are for this one alone. */
  readonly url: string;
  /** The authorisation server that gave the tokens. */
  readonly from: TokenServer;
  /** The bridge's name at the authorisation server, where it has registered itself; otherwise it is in the configuration. */
  readonly client?: OAuthClient;
  readonly tokens: Tokens;
  /** The scopes that the person was asked for. Sign-ins of former versions have none. */
  readonly scope?: string;
  /** The message by which the person signed in: read again after a crash, it finds that done. */
  readonly by: string;
}

/** A person who has signed in. */
export interface SignedIn extends PersonAt, SignedInBody {
  /** Another one for each time that she signs in. */
  readonly id: string;
}

/** The days after which a sign-in that nobody uses ends. */
const UNUSED_DAYS = 90;

/** The rows that are deleted at once: their tokens are revoked before the next ones are. */
const BATCH_ROWS = 50;

/** A sign-in counts as used again after this time, in minutes. */
const USED_EVERY_MINUTES = 60;

/** The time for which others wait for whoever asks for new tokens, in seconds: longer than any answer may take. */
const RENEWAL_SECONDS = 30;

/** The rows of `tool_sign_ins`. Each is sealed under a key of the person's own. All methods throw DatabaseError. */
export class ToolSignIns {
  readonly #database: Database;
  readonly #seals: Seals;
  readonly #audit: AuditLog;

  constructor(database: Database, seals: Seals) {
    this.#database = database;
    this.#seals = seals;
    this.#audit = new AuditLog(database);
  }

  /** A person's sign-in, which counts as used; undefined where there is none, or it can't be opened any more. */
  async find({ server, userId }: PersonAt): Promise<SignedIn | undefined> {
    const { rows } = await this.#database.query<SignInRow & { readonly stale: boolean }>(
      `select ${COLUMNS}, used_at < now() - make_interval(mins => $3) as stale
       from tool_sign_ins where server = $1 and user_id = $2`,
      [server, userId, USED_EVERY_MINUTES],
    );
    const [signedIn] = await openSignIns(this.#seals, rows);
    if (signedIn !== undefined && rows[0]?.stale === true)
      await this.#database.query("update tool_sign_ins set used_at = now() where server = $1 and user_id = $2", [
        server,
        userId,
      ]);
    return signedIn;
  }

  /** All sign-ins of a person. */
  async of(userId: string): Promise<readonly SignedIn[]> {
    const { rows } = await this.#database.query<SignInRow>(`select ${COLUMNS} from tool_sign_ins where user_id = $1`, [
      userId,
    ]);
    return openSignIns(this.#seals, rows);
  }

  /** Signs a person in, in the place of an earlier time, whose row is returned. */
  async store(tx: Queryable, { server, userId }: PersonAt, body: SignedInBody): Promise<readonly SignInRow[]> {
    const { rows: replaced } = await tx.query<SignInRow>(
      `delete from tool_sign_ins where server = $1 and user_id = $2 returning ${COLUMNS}`,
      [server, userId],
    );
    const seal = await this.#seals.in(tx, { person: userId, isLasting: true });
    const id = newSecret();
    const sealed = seal.seal(JSON.stringify(body), CONTEXT, server, userId, id);
    await tx.query(
      `insert into tool_sign_ins (server, user_id, id, body, sealed_by) values ($1, $2, $3, $4, $5)
       on conflict (server, user_id) do update set id = excluded.id, body = excluded.body, sealed_by = excluded.sealed_by,
         renewed_by = null, renewed_until = null, signed_in_at = now(), used_at = now()`,
      [server, userId, id, sealed, seal.id],
    );
    await this.#audit.record(tx, { kind: "tool.signed_in", by: userId, server });
    return replaced;
  }

  /**
   * Makes one process of all the one that asks for new tokens. False where another one does already, or the tokens have
   * changed since.
   */
  async beginRenewal({ server, userId, id }: SignedIn, by: string): Promise<boolean> {
    const { count } = await this.#database.query(
      `update tool_sign_ins set renewed_by = $4, renewed_until = now() + make_interval(secs => $5)
       where server = $1 and user_id = $2 and id = $3 and (renewed_until is null or renewed_until < now())`,
      [server, userId, id, by, RENEWAL_SECONDS],
    );
    return count > 0;
  }

  /** Stores new tokens. False where the person has signed out meanwhile, or another process has taken over. */
  async renewed(signedIn: SignedIn, by: string, tokens: Tokens): Promise<boolean> {
    const { server, userId, id, client, from, url, scope } = signedIn;
    return this.#database.transaction(async (tx) => {
      const seal = await this.#seals.in(tx, { person: userId, isLasting: true });
      const body: SignedInBody = {
        ...{ url, from, tokens, by: signedIn.by },
        ...(client === undefined ? {} : { client }),
        ...(scope === undefined ? {} : { scope }),
      };
      const { count } = await tx.query(
        `update tool_sign_ins set body = $5, sealed_by = $6, renewed_by = null, renewed_until = null
         where server = $1 and user_id = $2 and id = $3 and renewed_by = $4`,
        [server, userId, id, by, seal.seal(JSON.stringify(body), CONTEXT, server, userId, id), seal.id],
      );
      return count > 0;
    });
  }

  /** Lets others ask for new tokens: this process got none. */
  async endRenewal({ server, userId, id }: SignedIn, by: string): Promise<void> {
    await this.#database.query(
      `update tool_sign_ins set renewed_by = null, renewed_until = null
       where server = $1 and user_id = $2 and id = $3 and renewed_by = $4`,
      [server, userId, id, by],
    );
  }

  /** Ends a sign-in. Returns it as it was at its end, with tokens that are perhaps newer; undefined where there is no such one. */
  async remove(tx: Queryable, signedIn: SignedIn, why: "person" | "refused"): Promise<SignedIn | undefined> {
    const { server, userId, id } = signedIn;
    const { rows } = await tx.query<SignInRow>(
      `delete from tool_sign_ins where server = $1 and user_id = $2 and id = $3 returning ${COLUMNS}`,
      [server, userId, id],
    );
    if (rows.length === 0) return undefined;
    const entry =
      why === "person"
        ? ({ kind: "tool.signed_out", user: userId, by: userId, server } as const)
        : ({ kind: "tool.sign_in_lost", user: userId, server } as const);
    await this.#audit.record(tx, entry);
    const [last = signedIn] = await openSignIns(this.#seals, rows, tx);
    return last;
  }

  /** The contents of rows, as far as they can be opened. */
  opened(rows: readonly SignInRow[]): Promise<readonly SignedIn[]> {
    return openSignIns(this.#seals, rows);
  }

  /**
   * Deletes those that nobody has used for long, whose server is not configured any more, and whose person shares no room
   * with an agent. Returns their number.
   *
   * @param dropped is given each of them.
   */
  prune(
    servers: readonly string[],
    dropped: (all: readonly SignedIn[]) => Promise<unknown>,
    signal?: AbortSignal,
  ): Promise<number> {
    const where = `used_at < now() - make_interval(days => ${UNUSED_DAYS}) or server <> all($1::text[])
      or (signed_in_at < now() - interval '1 day' and not exists (select from room_members
        where room_members.user_id = tool_sign_ins.user_id and room_members.membership = 'join'))`;
    return inBatches(async () => {
      const { rows } = await this.#database.query<SignInRow>(
        `delete from tool_sign_ins where ctid = any (array(
           select ctid from tool_sign_ins where ${where} limit ${BATCH_ROWS}
         )) returning ${COLUMNS}`,
        [servers],
      );
      await dropped(await openSignIns(this.#seals, rows));
      return { rows: rows.length, isLast: rows.length < BATCH_ROWS };
    }, signal);
  }
}

/** The sign-ins that somebody else than the people themselves has ended. */
export interface EndedSignIns {
  readonly count: number;
  /** Their tokens, and those of links under way, as far as they can be opened. Throws DatabaseError. */
  readonly tokens: (seals: () => Promise<Seals>) => Promise<readonly DroppedTokens[]>;
}

/**
 * Signs people out here: their tokens are forgotten, and links under way count no more. Nothing is revoked. An absent field
 * means all. Throws DatabaseError.
 */
export async function endSignIns(database: Database, selection: Partial<PersonAt>, by: Actor): Promise<EndedSignIns> {
  const { userId, server } = selection;
  const { rows, attempts } = await database.transaction(async (tx) => {
    const attempts = await endAttempts(tx, selection);
    const { rows } = await tx.query<SignInRow>(
      `delete from tool_sign_ins where ($1::text is null or user_id = $1) and ($2::text is null or server = $2)
       returning ${COLUMNS}`,
      [userId ?? null, server ?? null],
    );
    const audit = new AuditLog(database);
    for (const row of rows)
      await audit.record(tx, { kind: "tool.signed_out", user: row.user_id, by, server: row.server });
    return { rows, attempts };
  });
  return {
    count: rows.length,
    tokens: async (openSeals) => {
      if (rows.length + attempts.length === 0) return [];
      const seals = await openSeals();
      return [...(await openSignIns(seals, rows)), ...(await unconfirmedIn(seals, attempts))];
    },
  };
}

/** Each row has a key of its own, so one that can't be opened any more is no hindrance to the others. */
async function openSignIns(seals: Seals, rows: readonly SignInRow[], tx?: Queryable): Promise<readonly SignedIn[]> {
  const opened: SignedIn[] = [];
  for (const row of rows) {
    const { server, user_id: userId, id } = row;
    const body = await openAlone(seals, row, [CONTEXT, server, userId, id], tx);
    if (body !== undefined) opened.push({ server, userId, id, ...(JSON.parse(body) as SignedInBody) });
  }
  return opened;
}

/** The number of people who have signed in to each server. Throws DatabaseError. */
export async function countSignIns(database: Queryable): Promise<ReadonlyMap<string, number>> {
  const { rows } = await database.query<{ server: string; people: number }>(
    "select server, count(*)::integer as people from tool_sign_ins group by server",
  );
  return new Map(rows.map(({ server, people }) => [server, people]));
}

/** The context that a sign-in is sealed with: see sealing/sealed-text.ts. */
const CONTEXT = "tool_sign_ins.body";

const COLUMNS = "server, user_id, id, body, sealed_by";

/** A row of `tool_sign_ins`. */
export interface SignInRow extends SealedRow {
  readonly server: string;
  readonly user_id: string;
  readonly id: string;
  readonly body: string;
}
