import type { Actor } from "../audit/audit-entry.ts";
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

/** A decision with its room. */
export interface RoomDecision extends Decision {
  readonly roomId: string;
  /** The room's name, where it has one. */
  readonly roomName: string | undefined;
  readonly isEncrypted: boolean;
}

/** Consents that are taken back: of a room or of all rooms, for an agent or for all agents. */
export interface ConsentSelection {
  readonly roomId?: string | undefined;
  readonly ghost?: string | undefined;
}

/** The agents and rooms whose consents are taken back in one transaction. */
const WITHDRAWN_AT_ONCE = 500;

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
    const { rows } = await this.#database.query<DecisionRow>(
      `select ghost, target, granted, encrypted, decided_by, decided_at from consents
       where room_id = $1 order by ghost, target`,
      [roomId],
    );
    return rows.map(decisionOf);
  }

  /** The first decisions of all rooms, in the order of their ids, or those after one of them. */
  async all({ after, limit }: { readonly after?: ConsentId; readonly limit: number }): Promise<RoomDecision[]> {
    const { rows } = await this.#database.query<
      DecisionRow & { room_id: string; name: string | null; room_encrypted: boolean }
    >(
      `select room_id, ghost, target, granted, encrypted, decided_by, decided_at, name,
         encryption is not null as room_encrypted
       from consents left join rooms using (room_id)
       where (room_id, ghost, target) > ($1, $2, $3) order by room_id, ghost, target limit $4`,
      [after?.roomId ?? "", after?.ghost ?? "", after?.target ?? "", limit],
    );
    return rows.map((row) => ({
      roomId: row.room_id,
      roomName: row.name ?? undefined,
      isEncrypted: row.room_encrypted,
      ...decisionOf(row),
    }));
  }
}

/**
 * Takes consents back on behalf of whoever runs the bridge; processes ask for them before each request, and so notice at once.
 * What a room has declined stays declined. Of many rooms some may be done when it throws. Resolves with the number of agents
 * in rooms whose consents are gone. Throws DatabaseError.
 */
export async function withdrawConsents(
  database: Database,
  { roomId, ghost }: ConsentSelection,
  by: Actor,
): Promise<number> {
  const audit = new AuditLog(database);
  for (let withdrawn = 0; ;) {
    const count = await database.transaction(async (tx) => {
      const { rows } = await tx.query<{ room_id: string; ghost: string }>(
        `with chosen as (
           select distinct room_id, ghost from consents
           where granted and room_id = coalesce($1, room_id) and ghost = coalesce($2, ghost) limit $3),
         gone as (
           delete from consents using chosen
           where granted and consents.room_id = chosen.room_id and consents.ghost = chosen.ghost
           returning consents.room_id, consents.ghost)
         select distinct room_id, ghost from gone order by room_id, ghost`,
        [roomId ?? null, ghost ?? null, WITHDRAWN_AT_ONCE],
      );
      await Promise.all(
        rows.map((row) => audit.record(tx, { kind: "consent.withdrawn", ghost: row.ghost, room: row.room_id, by })),
      );
      return rows.length;
    });
    withdrawn += count;
    if (count < WITHDRAWN_AT_ONCE) return withdrawn;
  }
}

interface DecisionRow {
  ghost: string;
  target: string;
  granted: boolean;
  encrypted: boolean;
  decided_by: string;
  decided_at: Date;
}

function decisionOf(row: DecisionRow): Decision {
  return {
    ghost: row.ghost,
    target: row.target,
    granted: row.granted,
    encrypted: row.encrypted,
    by: row.decided_by,
    at: new Date(row.decided_at),
  };
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
