import { AuditLog } from "../audit/audit-log.ts";
import type { Database, Queryable } from "../database/database.ts";
import type { Consent } from "../policy/privacy.ts";

/** What a room's moderators decide about. */
export interface ConsentId {
  readonly roomId: string;
  readonly ghost: string;
  /** See {@link targetOf}. */
  readonly target: string;
}

/** A decision, for people to read. */
export interface Decision {
  readonly ghost: string;
  readonly target: string;
  readonly granted: boolean;
  readonly by: string;
  readonly at: Date;
}

/** Where words would go: the provider, and the host behind it. */
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

  async get({ roomId, ghost, target }: ConsentId): Promise<Consent> {
    const { rows } = await this.#database.query<{ granted: boolean }>(
      "select granted from consents where room_id = $1 and ghost = $2 and target = $3",
      [roomId, ghost, target],
    );
    return rows[0]?.granted;
  }

  async decide(tx: Queryable, { roomId, ghost, target }: ConsentId, granted: boolean, by: string): Promise<void> {
    await tx.query(
      `insert into consents (room_id, ghost, target, granted, decided_by) values ($1, $2, $3, $4, $5)
       on conflict (room_id, ghost, target) do update
         set granted = excluded.granted, decided_by = excluded.decided_by, decided_at = now()`,
      [roomId, ghost, target, granted, by],
    );
    const kind = granted ? "consent.given" : "consent.declined";
    await this.#audit.record(tx, { kind, ghost, room: roomId, by, target });
  }

  /** Takes back what was decided for an agent in a room: it is asked anew. */
  async revoke(tx: Queryable, roomId: string, ghost: string, by: string): Promise<void> {
    const { count } = await tx.query("delete from consents where room_id = $1 and ghost = $2", [roomId, ghost]);
    if (count > 0) await this.#audit.record(tx, { kind: "consent.withdrawn", ghost, room: roomId, by });
  }

  async ofRoom(roomId: string): Promise<Decision[]> {
    const { rows } = await this.#database.query<{
      ghost: string;
      target: string;
      granted: boolean;
      decided_by: string;
      decided_at: Date;
    }>(
      "select ghost, target, granted, decided_by, decided_at from consents where room_id = $1 order by ghost, target",
      [roomId],
    );
    return rows.map((row) => ({
      ghost: row.ghost,
      target: row.target,
      granted: row.granted,
      by: row.decided_by,
      at: new Date(row.decided_at),
    }));
  }
}
