import type { Database } from "../database/database.ts";
import { fenced, type Lease } from "../leases/leases.ts";
import type { Distrust } from "../policy/trust.ts";
import { isRetryable } from "./failure.ts";
import type { GhostHandle } from "./listener.ts";

/** Whom a notice is for, and why. */
export interface TrustNotice {
  readonly roomId: string;
  readonly userId: string;
  /** `agent_unsigned` when it is the ghost itself that nobody should trust. */
  readonly why: Distrust | "agent_unsigned";
  readonly content: object;
}

/** Tells people that their device or identity is not trusted enough: each once in a room, by one agent of it. */
export class TrustNotices {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Throws what sending throws when it may pass; then it is told the next time. */
  async tell(ghost: GhostHandle, lease: Lease, { roomId, userId, why, content }: TrustNotice): Promise<void> {
    const key = [roomId, userId, why];
    await this.#database.query(
      `insert into trust_notices (room_id, user_id, reason, ghost) values ($1, $2, $3, $4) on conflict do nothing`,
      [...key, ghost.userId],
    );
    const { count } = await this.#database.query(
      `select from trust_notices where room_id = $1 and user_id = $2 and reason = $3 and ghost = $4 and not told`,
      [...key, ghost.userId],
    );
    if (count === 0) return;
    await ghost.sendToAll(roomId, content, `not trusted ${userId} ${why}`).catch((error: unknown) => {
      if (isRetryable(error)) throw error;
      ghost.log.warn({ room: roomId, error }, "could not tell of a device that is not trusted");
    });
    await fenced(this.#database, lease, (tx) =>
      tx.query("update trust_notices set told = true where room_id = $1 and user_id = $2 and reason = $3", key),
    );
    ghost.log.info({ room: roomId, user: userId, why }, "told of a device that is not trusted");
  }

  /** What was told of somebody may be told again: their identity was verified, or made good otherwise. */
  async forget(userId: string): Promise<void> {
    await this.#database.query("delete from trust_notices where user_id = $1", [userId]);
  }
}
