import type { Emoji, Flow, VerificationLedger } from "../crypto/verifications.ts";
import type { Database } from "../database/database.ts";
import { storable } from "../database/text.ts";
import { fenced, type Lease } from "../leases/leases.ts";

/** Is told how a verification ended: why it came to nothing, or undefined when it did not. */
export type VerificationEnded = (flow: Flow, cancelled: string | undefined) => Promise<void>;

/** The rows of `verifications` of one ghost, written by its owner alone; the decisions are an operator's. */
export class GhostVerifications implements VerificationLedger {
  readonly #database: Database;
  readonly #lease: Lease;
  readonly #onEnd: VerificationEnded;

  constructor(database: Database, lease: Lease, onEnd: VerificationEnded) {
    this.#database = database;
    this.#lease = lease;
    this.#onEnd = onEnd;
  }

  /** What was under way when the ghost was put away is lost: the engine keeps it in memory alone. */
  async forgetOpen(): Promise<void> {
    await this.#write(
      `update verifications set state = 'cancelled', reason = 'the bridge was restarted', emoji = null, code = null
       where ghost = $1 and state in ('requested', 'comparing')`,
      [],
    );
  }

  async begin(flow: Flow): Promise<boolean> {
    const count = await this.#write(
      "insert into verifications (ghost, flow_id, user_id) values ($1, $2, $3) on conflict do nothing",
      [storable(flow.flowId), storable(flow.userId)],
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

  async ended(flow: Flow, cancelled: string | undefined): Promise<void> {
    await this.#write(
      "update verifications set state = $3, reason = $4, emoji = null, code = null where ghost = $1 and flow_id = $2",
      [
        storable(flow.flowId),
        cancelled === undefined ? "done" : "cancelled",
        cancelled === undefined ? null : storable(cancelled),
      ],
    );
    await this.#onEnd(flow, cancelled);
  }

  /** `$1` is the ghost. */
  async #write(sql: string, values: readonly unknown[]): Promise<number> {
    const { count } = await fenced(this.#database, this.#lease, (tx) => tx.query(sql, [this.#lease.ghost, ...values]));
    return count;
  }
}
