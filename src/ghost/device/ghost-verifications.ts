import { AuditLog } from "../../audit/audit-log.ts";
import type { Flow, VerificationForm } from "../../crypto/verification-messages.ts";
import type { Emoji, VerificationLedger } from "../../crypto/verifications.ts";
import { deleteInBatches } from "../../database/batches.ts";
import type { Database, Queryable, Result, Row } from "../../database/database.ts";
import { storable } from "../../database/text.ts";
import { fenced, fencedAtOnce, type Lease } from "../../leases/leases.ts";

/** A verification that is under way, or was when its process ended. */
export interface OpenFlow extends Flow {
  /** The form of its events, if known. */
  readonly form: VerificationForm | undefined;
}

/** The verifications of one user and one ghost in an hour; further ones are not answered. */
const MOST_AN_HOUR = 20;

/** Called with the end of a verification: the reason why it failed, or undefined when it succeeded. */
export type VerificationEnded = (flow: Flow, cancelled: string | undefined) => Promise<void>;

/** The rows of `verifications` of one ghost. Only its owner writes them; the decisions are an operator's. */
export class GhostVerifications implements VerificationLedger {
  readonly #database: Database;
  readonly #lease: Lease;
  readonly #onEnd: VerificationEnded;
  readonly #audit: AuditLog;

  constructor(database: Database, lease: Lease, onEnd: VerificationEnded) {
    this.#database = database;
    this.#lease = lease;
    this.#onEnd = onEnd;
    this.#audit = new AuditLog(database);
  }

  /**
   * The verifications under way. The engine keeps them only in memory, and loses them with it. Throws StaleLease,
   * DatabaseError.
   */
  async open(): Promise<readonly OpenFlow[]> {
    const { rows } = await fencedAtOnce(this.#database, this.#lease, (tx) =>
      tx.query<{ flow_id: string; user_id: string; room_id: string | null; form: VerificationForm | null }>(
        `select flow_id, user_id, room_id, form from verifications
         where ghost = $1 and state in ('requested', 'comparing') order by id`,
        [this.#lease.ghost],
      ),
    );
    return rows.map(({ flow_id: flowId, user_id: userId, room_id, form }) => ({
      flowId,
      userId,
      roomId: room_id ?? undefined,
      form: form ?? undefined,
    }));
  }

  /** Records the end of a lost flow. */
  async lost(flow: Flow): Promise<void> {
    await this.#write(
      `update verifications set state = 'cancelled', reason = 'the bridge was restarted', emoji = null, code = null
       where ghost = $1 and flow_id = $2 and state in ('requested', 'comparing')`,
      [storable(flow.flowId)],
      async (tx, { count }) => {
        if (count > 0) await this.#note(tx, "cancelled", flow.userId);
      },
    );
  }

  async isCancelled(flow: Flow): Promise<boolean> {
    const { count } = await this.#database.query(
      "select from verifications where ghost = $1 and flow_id = $2 and user_id = $3 and state = 'cancelled'",
      [this.#lease.ghost, storable(flow.flowId), storable(flow.userId)],
    );
    return count > 0;
  }

  async begin(flow: Flow, form: VerificationForm | undefined): Promise<boolean> {
    const count = await this.#write(
      `insert into verifications (ghost, flow_id, user_id, room_id, form) select $1, $2, $3, $4, $5
       where (select count(*) from verifications
         where ghost = $1 and user_id = $3 and created_at > now() - interval '1 hour') < ${MOST_AN_HOUR}
       on conflict do nothing`,
      [storable(flow.flowId), storable(flow.userId), flow.roomId ?? null, form ?? null],
      async (tx, { count }) => {
        if (count > 0) await this.#note(tx, "requested", flow.userId);
      },
    );
    return count > 0;
  }

  async offering(flow: Flow, code: Uint8Array): Promise<void> {
    await this.#write("update verifications set code = $3 where ghost = $1 and flow_id = $2", [
      storable(flow.flowId),
      Buffer.from(code).toString("base64"),
    ]);
  }

  async comparing(flow: Flow, emoji: readonly Emoji[] | undefined): Promise<void> {
    await this.#write(
      "update verifications set state = 'comparing', emoji = $3, code = null where ghost = $1 and flow_id = $2",
      [storable(flow.flowId), emoji === undefined ? null : JSON.stringify(emoji)],
    );
  }

  async decision(flow: Flow): Promise<"match" | "mismatch" | undefined> {
    const { rows } = await this.#database.query<{ decision: "match" | "mismatch" | null }>(
      "select decision from verifications where ghost = $1 and flow_id = $2",
      [this.#lease.ghost, storable(flow.flowId)],
    );
    return rows[0]?.decision ?? undefined;
  }

  async ended(flow: Flow, cancelled: string | undefined, isMismatch: boolean): Promise<void> {
    const how = cancelled === undefined ? "done" : isMismatch ? "mismatch" : "cancelled";
    await this.#write(
      "update verifications set state = $3, reason = $4, emoji = null, code = null where ghost = $1 and flow_id = $2",
      [
        storable(flow.flowId),
        cancelled === undefined ? "done" : "cancelled",
        cancelled === undefined ? null : storable(cancelled),
      ],
      (tx) => this.#note(tx, how, flow.userId),
    );
    await this.#onEnd(flow, cancelled);
  }

  /** `$1` is the ghost. */
  async #write(
    sql: string,
    values: readonly unknown[],
    note?: (tx: Queryable, result: Result<Row>) => Promise<void>,
  ): Promise<number> {
    return fenced(this.#database, this.#lease, async (tx) => {
      const result = await tx.query(sql, [this.#lease.ghost, ...values]);
      await note?.(tx, result);
      return result.count;
    });
  }

  #note(tx: Queryable, how: "requested" | "done" | "cancelled" | "mismatch", by: string): Promise<void> {
    return this.#audit.record(tx, { kind: `verification.${how}`, ghost: this.#lease.ghost, by });
  }
}

/** Deletes old flows: a request counts for ten minutes, so none of them can come again. Returns the number of rows. */
export function pruneVerifications(database: Database, olderThanDays: number, signal?: AbortSignal): Promise<number> {
  const where = "created_at < now() - $1 * interval '1 day'";
  return deleteInBatches(database, { from: "verifications", where, values: [olderThanDays] }, signal);
}
