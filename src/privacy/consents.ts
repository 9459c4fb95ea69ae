import { AuditLog } from "../audit/audit-log.ts";
import { deleteInBatches } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";
import type { GivenConsent } from "./policy.ts";

/** The subject of a decision by a room's moderators. */
export interface ConsentId {
  readonly roomId: string;
  readonly ghost: string;
  /** See {@link targetOf}. */
  readonly target: string;
}

/** A decision, for people to read. */
export interface Decision extends GivenConsent {
  readonly ghost: string;
  readonly target: string;
  readonly by: string;
  readonly at: Date;
}

/** The recipient of messages: the provider, and the host behind it. */
export function targetOf(provider: string, host: string): string {
  return `${provider} ${host}`;
}

/** The rows of `consents`. */
export class Consents {
  readonly #database: Database;
  readonly #audit: AuditLog;

  constructor(database: Database) {
    this.#database = database;
    this.#audit = new AuditLog(database);
  }

  /** The last decision; undefined when there is none. privacy/policy.ts says how far it counts. */
  async get({ roomId, ghost, target }: ConsentId): Promise<GivenConsent | undefined> {
    const { rows } = await this.#database.query<{ granted: boolean; encrypted: boolean }>(
      "select granted, encrypted from consents where room_id = $1 and ghost = $2 and target = $3",
      [roomId, ghost, target],
    );
    const row = rows[0];
    return row && { granted: row.granted, encrypted: row.encrypted };
  }

  async decide(
    tx: Queryable,
    { roomId, ghost, target }: ConsentId,
    { granted, encrypted }: GivenConsent,
    by: string,
  ): Promise<void> {
    await tx.query(
      `insert into consents (room_id, ghost, target, granted, encrypted, decided_by) values ($1, $2, $3, $4, $5, $6)
       on conflict (room_id, ghost, target) do update
         set granted = excluded.granted, encrypted = excluded.encrypted, decided_by = excluded.decided_by,
           decided_at = now()`,
      [roomId, ghost, target, granted, encrypted, by],
    );
    const kind = granted ? "consent.given" : "consent.declined";
    await this.#audit.record(tx, { kind, ghost, room: roomId, by, target });
  }

  /** Revokes a decision for an agent in a room: the agent asks again. */
  async revoke(tx: Queryable, roomId: string, ghost: string, by: string): Promise<void> {
    const { count } = await tx.query("delete from consents where room_id = $1 and ghost = $2", [roomId, ghost]);
    if (count > 0) await this.#audit.record(tx, { kind: "consent.withdrawn", ghost, room: roomId, by });
  }

  /** Ends what an agent was allowed in a room that it has left: it may come back before that is pruned. */
  async forget(tx: Queryable, ghost: string, roomId: string): Promise<void> {
    await tx.query("delete from consents where ghost = $1 and room_id = $2 and granted", [ghost, roomId]);
  }

  async ofRoom(roomId: string): Promise<Decision[]> {
    const { rows } = await this.#database.query<{
      ghost: string;
      target: string;
      granted: boolean;
      encrypted: boolean;
      decided_by: string;
      decided_at: Date;
    }>(
      `select ghost, target, granted, encrypted, decided_by, decided_at from consents
       where room_id = $1 order by ghost, target`,
      [roomId],
    );
    return rows.map((row) => ({
      ghost: row.ghost,
      target: row.target,
      granted: row.granted,
      encrypted: row.encrypted,
      by: row.decided_by,
      at: new Date(row.decided_at),
    }));
  }
}

/**
 * Deletes the decisions for agents that are no longer in the room; an agent that returns asks again. Returns the number
 * of rows.
 */
export function pruneConsents(database: Database, signal?: AbortSignal): Promise<number> {
  const where = `exists (select from memberships where memberships.ghost = consents.ghost
    and memberships.room_id = consents.room_id and membership not in ('join', 'invite'))
    or (decided_at < now() - interval '90 days' and not exists (select from memberships
      where memberships.ghost = consents.ghost and memberships.room_id = consents.room_id))`;
  return deleteInBatches(database, { from: "consents", where }, signal);
}
