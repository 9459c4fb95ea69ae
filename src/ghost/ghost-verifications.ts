import { AuditLog } from "../audit/audit-log.ts";
import type { Emoji, Flow, VerificationLedger } from "../crypto/verifications.ts";
import type { Database, Queryable, Result, Row } from "../database/database.ts";
import { storable } from "../database/text.ts";
import { fenced, type Lease } from "../leases/leases.ts";

/** Is told how a verification ended: why it came to nothing, or undefined when it did not. */
export type VerificationEnded = (flow: Flow, cancelled: string | undefined) => Promise<void>;

/** The rows of `verifications` of one ghost, written by its owner alone; the decisions are an operator's. */
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

  /** What was under way when the ghost was put away is lost: the engine keeps it in memory alone. */
  async forgetOpen(): Promise<void> {
    await this.#write(
      `update verifications set state = 'cancelled', reason = 'the bridge was restarted', emoji = null, code = null
       where ghost = $1 and state in ('requested', 'comparing') returning user_id`,
      [],
      async (tx, { rows }) => {
        for (const { user_id: by } of rows as { user_id: string }[]) await this.#note(tx, "cancelled", by);
      },
    );
  }

  async begin(flow: Flow): Promise<boolean> {
    const count = await this.#write(
      "insert into verifications (ghost, flow_id, user_id) values ($1, $2, $3) on conflict do nothing",
      [storable(flow.flowId), storable(flow.userId)],
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
