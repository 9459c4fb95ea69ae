import { AuditLog } from "../../audit/audit-log.ts";
import type { Actor } from "../../audit/audit-entry.ts";
import { deleteInBatches } from "../../database/batches.ts";
import type { Database } from "../../database/database.ts";
import type { Role } from "../role.ts";
import { hashOf, isSecret, newSecret } from "../../sealing/secret.ts";

/** The time for which a link is good, in minutes. */
export const LINK_MINUTES = 10;

/** The time for which somebody stays signed in, in hours; and without a request, in minutes. */
export const SESSION_HOURS = 12;
const IDLE_MINUTES = 60;

/** Longer than a stranger would repeat it for: the time after which a session counts as seen again, in seconds. */
const SEEN_EVERY_SECONDS = 60;

/** Somebody who is signed in. */
export interface Session {
  /** What the browser's cookie holds. */
  readonly secret: string;
  readonly actor: Actor;
  /** The rights of the link. */
  readonly role: Role;
}

/** The rows of `web_sign_ins` and `web_sessions`. All methods throw DatabaseError. */
export class SignIns {
  readonly #database: Database;
  readonly #audit: AuditLog;

  constructor(database: Database) {
    this.#database = database;
    this.#audit = new AuditLog(database);
  }

  /** Makes a link's code for somebody. It is good once, for {@link LINK_MINUTES}. */
  async offer(actor: Actor, role: Role): Promise<string> {
    const code = newSecret();
    await this.#database.transaction(async (tx) => {
      await tx.query(
        `insert into web_sign_ins (code_hash, actor, role, expires_at)
         values ($1, $2, $3, now() + make_interval(mins => $4))`,
        [hashOf(code), actor, role, LINK_MINUTES],
      );
      await this.#audit.record(tx, { kind: "web.link_made", by: actor, role });
    });
    return code;
  }

  /** Signs in by a code, which is then used up. Undefined where it was used before, is too old, or never was. */
  use(code: unknown): Promise<Session | undefined> {
    if (!isSecret(code)) return Promise.resolve(undefined);
    return this.#database.transaction(async (tx) => {
      const { rows } = await tx.query<{ actor: Actor; role: Role; good: boolean }>(
        "delete from web_sign_ins where code_hash = $1 returning actor, role, expires_at > now() as good",
        [hashOf(code)],
      );
      const [row] = rows;
      if (row?.good !== true) return undefined;
      const { actor, role } = row;
      const secret = newSecret();
      await tx.query(
        `insert into web_sessions (id_hash, actor, role, expires_at)
         values ($1, $2, $3, now() + make_interval(hours => $4))`,
        [hashOf(secret), actor, role, SESSION_HOURS],
      );
      await this.#audit.record(tx, { kind: "web.signed_in", by: actor, role });
      return { secret, actor, role };
    });
  }

  /** The session of a cookie, which counts as seen; undefined where it has ended. */
  async session(secret: unknown): Promise<Session | undefined> {
    if (!isSecret(secret)) return undefined;
    const { rows } = await this.#database.query<{ actor: Actor; role: Role; stale: boolean }>(
      `select actor, role, seen_at < now() - make_interval(secs => $3) as stale from web_sessions
       where id_hash = $1 and expires_at > now() and seen_at > now() - make_interval(mins => $2)`,
      [hashOf(secret), IDLE_MINUTES, SEEN_EVERY_SECONDS],
    );
    const [row] = rows;
    if (row === undefined) return undefined;
    if (row.stale) {
      await this.#database.query("update web_sessions set seen_at = now() where id_hash = $1", [hashOf(secret)]);
    }
    return { secret, actor: row.actor, role: row.role };
  }

  /** Whether a session goes on, which a page that nobody touches does not prolong. */
  async lasts({ secret }: Session): Promise<boolean> {
    const { rows } = await this.#database.query(
      `select from web_sessions
       where id_hash = $1 and expires_at > now() and seen_at > now() - make_interval(mins => $2)`,
      [hashOf(secret), IDLE_MINUTES],
    );
    return rows.length > 0;
  }

  /** Ends a session. */
  async end({ secret, actor }: Session): Promise<void> {
    await this.#database.transaction(async (tx) => {
      const { count } = await tx.query("delete from web_sessions where id_hash = $1", [hashOf(secret)]);
      if (count > 0) await this.#audit.record(tx, { kind: "web.signed_out", by: actor });
    });
  }

  /** Deletes what has ended. */
  async prune(signal?: AbortSignal): Promise<number> {
    const where = "expires_at < now()";
    const links = await deleteInBatches(this.#database, { from: "web_sign_ins", where }, signal);
    const idle = `${where} or seen_at < now() - make_interval(mins => ${IDLE_MINUTES})`;
    return links + (await deleteInBatches(this.#database, { from: "web_sessions", where: idle }, signal));
  }
}
