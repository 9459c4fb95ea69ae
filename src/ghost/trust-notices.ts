import { deleteInBatches } from "../database/batches.ts";
import type { Database } from "../database/database.ts";
import { fencedAtOnce, type Lease } from "../leases/leases.ts";
import type { Distrust } from "../permissions/trust.ts";
import { isRetryable } from "../observability/retryable.ts";
import type { GhostHandle } from "./ghost-handle.ts";

type Reason = Distrust | "silenced" | "agent_unsigned" | "no_device";

/** A notice about trust: its person and reason. */
export interface TrustNotice {
  readonly roomId: string;
  readonly userId: string;
  /**
   * `silenced` when the ghost is silent because of the user, `agent_unsigned` when the ghost itself can't be trusted,
   * `no_device` when it can't encrypt.
   */
  readonly why: Reason;
  readonly content: object;
  /** The notice is skipped where the user was told one of these in the room. */
  readonly unlessTold?: readonly Reason[];
}

/** Tells people that their device or identity is not trusted enough: each person once in a room, by one agent of it. */
export class TrustNotices {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Throws temporary errors of sending; the next call then repeats the notice. */
  async tell(ghost: GhostHandle, lease: Lease, notice: TrustNotice): Promise<void> {
    const { roomId, userId, why, content, unlessTold = [] } = notice;
    const key = [roomId, userId, why];
    await this.#database.query(
      `insert into trust_notices (room_id, user_id, reason, ghost) select $1, $2, $3, $4
       where not exists (select from trust_notices where room_id = $1 and user_id = $2 and told and reason = any($5))
       on conflict do nothing`,
      [...key, ghost.userId, unlessTold],
    );
    const { rows } = await this.#database.query<{ since: number }>(
      `select extract(epoch from created_at)::float8 as since from trust_notices
       where room_id = $1 and user_id = $2 and reason = $3 and ghost = $4 and not told`,
      [...key, ghost.userId],
    );
    const [row] = rows;
    if (row === undefined) return;
    const form = why === "no_device" ? "without a device" : "of_room";
    // With its time, so that a notice can be repeated after it was forgotten.
    await ghost
      .sendToAll(roomId, content, `not trusted ${userId} ${why} ${row.since}`, form)
      .catch((error: unknown) => {
        if (isRetryable(error)) throw error;
        ghost.log.warn({ room: roomId, error }, "an untrusted device could not be reported to its user");
      });
    await fencedAtOnce(this.#database, lease, (tx) =>
      tx.query("update trust_notices set told = true where room_id = $1 and user_id = $2 and reason = $3", key),
    );
    ghost.log.info({ room: roomId, user: userId, why }, "an untrusted device was reported to its user");
  }

  /**
   * Allows a person's notices to be repeated, in one room or in all: their identity was verified, or repaired
   * otherwise.
   */
  async forget(userId: string, roomId?: string): Promise<void> {
    await this.#database.query("delete from trust_notices where user_id = $1 and ($2::text is null or room_id = $2)", [
      userId,
      roomId ?? null,
    ]);
  }
}

/** Deletes old notices; after that, people are told again. Returns the number of rows. */
export function pruneTrustNotices(database: Database, olderThanDays: number, signal?: AbortSignal): Promise<number> {
  const where = "created_at < now() - $1 * interval '1 day'";
  return deleteInBatches(database, { from: "trust_notices", where, values: [olderThanDays] }, signal);
}
