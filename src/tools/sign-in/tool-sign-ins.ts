import { AuditLog } from "../../audit/audit-log.ts";
import type { Actor } from "../../audit/audit-entry.ts";
import { deleteInBatches } from "../../database/batches.ts";
import type { Database, Queryable } from "../../database/database.ts";
import { unlessBroken } from "../../sealing/sealed-text.ts";
import { newSecret } from "../../sealing/secret.ts";
import type { SealedRow, Seals } from "../../sealing/seals.ts";
import type { TokenServer } from "./authorization-server.ts";
import type { OAuthClient, Tokens } from "./authorization.ts";

/** A person at a tool server. */
export interface PersonAt {
  readonly server: string;
  readonly userId: string;
}

/** What a sign-in consists of, all of it sealed. */
export interface SignedInBody {
  /** The tool server's address when she signed in: her tokens are for this one alone. */
  readonly url: string;
  /** The authorisation server that gave the tokens. */
  readonly from: TokenServer;
  /** The bridge's name at the authorisation server, where it has registered itself; otherwise it is in the configuration. */
  readonly client?: OAuthClient;
  readonly tokens: Tokens;
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
    const { rows } = await this.#database.query<Row>(
      `select id, body, sealed_by, used_at < now() - make_interval(mins => $3) as stale
       from tool_sign_ins where server = $1 and user_id = $2`,
      [server, userId, USED_EVERY_MINUTES],
    );
    const opened = await this.#seals.open(rows);
    const [row] = opened.rows;
    const body = row && unlessBroken(() => opened.open(row, row.body, CONTEXT, server, userId, row.id));
    if (row === undefined || body === undefined) return undefined;
    if (row.stale)
      await this.#database.query("update tool_sign_ins set used_at = now() where server = $1 and user_id = $2", [
        server,
        userId,
      ]);
    return { server, userId, id: row.id, ...(JSON.parse(body) as SignedInBody) };
  }

  /** The servers to which a person has signed in. */
  async serversOf(userId: string): Promise<ReadonlySet<string>> {
    const { rows } = await this.#database.query<{ server: string }>(
      "select server from tool_sign_ins where user_id = $1",
      [userId],
    );
    return new Set(rows.map(({ server }) => server));
  }

  /** Signs a person in, in the place of an earlier time. */
  async store(tx: Queryable, { server, userId }: PersonAt, body: SignedInBody): Promise<void> {
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
    const { server, userId, id, client, from, url } = signedIn;
    return this.#database.transaction(async (tx) => {
      const seal = await this.#seals.in(tx, { person: userId, isLasting: true });
      const body: SignedInBody = { url, from, tokens, by: signedIn.by, ...(client === undefined ? {} : { client }) };
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

  /** Ends a sign-in. False where there is no such one. */
  async remove(tx: Queryable, { server, userId, id }: SignedIn, why: "person" | "refused"): Promise<boolean> {
    const { count } = await tx.query("delete from tool_sign_ins where server = $1 and user_id = $2 and id = $3", [
      server,
      userId,
      id,
    ]);
    if (count === 0) return false;
    const entry =
      why === "person"
        ? ({ kind: "tool.signed_out", user: userId, by: userId, server } as const)
        : ({ kind: "tool.sign_in_lost", user: userId, server } as const);
    await this.#audit.record(tx, entry);
    return true;
  }

  /**
   * Deletes those that nobody has used for long, whose server is not configured any more, and whose person shares no room
   * with an agent. Returns their number.
   */
  prune(servers: readonly string[], signal?: AbortSignal): Promise<number> {
    const where = `used_at < now() - make_interval(days => ${UNUSED_DAYS}) or server <> all($1::text[])
      or (signed_in_at < now() - interval '1 day' and not exists (select from room_members
        where room_members.user_id = tool_sign_ins.user_id and room_members.membership = 'join'))`;
    return deleteInBatches(this.#database, { from: "tool_sign_ins", where, values: [servers] }, signal);
  }
}

/**
 * Signs people out here, without their authorisation server: their tokens are forgotten. Links under way count no more. An
 * absent field means all. Returns the number of sign-ins. Throws DatabaseError.
 */
export function endSignIns(database: Database, { userId, server }: Partial<PersonAt>, by: Actor): Promise<number> {
  return database.transaction(async (tx) => {
    const values = [userId ?? null, server ?? null];
    const where = "($1::text is null or user_id = $1) and ($2::text is null or server = $2)";
    await tx.query(`delete from sign_in_attempts where ${where}`, values);
    const { rows } = await tx.query<{ user_id: string; server: string }>(
      `delete from tool_sign_ins where ${where} returning user_id, server`,
      values,
    );
    const audit = new AuditLog(database);
    for (const row of rows)
      await audit.record(tx, { kind: "tool.signed_out", user: row.user_id, by, server: row.server });
    return rows.length;
  });
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

interface Row extends SealedRow {
  readonly id: string;
  readonly body: string;
  readonly stale: boolean;
}
