import type { Emoji } from "../../crypto/verifications.ts";
import type { Queryable } from "../../database/database.ts";

/*
 * The verifications that an operator decides: read and written beside the ghost's process, which reads the decision when
 * it is notified. All functions throw DatabaseError.
 */

/** A verification that waits for an operator. */
export interface WaitingVerification {
  readonly id: number;
  readonly ghost: string;
  /** The person who asked for it. */
  readonly userId: string;
  readonly shows:
    | { readonly kind: "emoji"; readonly emoji: readonly Emoji[] }
    /** A QR code to scan; if it is not used, the emoji follow. */
    | { readonly kind: "code"; readonly code: Uint8Array }
    /** The person's app has scanned the code. */
    | { readonly kind: "scanned" };
}

/** The waiting verifications, the oldest first. */
export async function waitingVerifications(database: Queryable): Promise<WaitingVerification[]> {
  const { rows } = await database.query<{
    id: number;
    ghost: string;
    user_id: string;
    emoji: string | null;
    code: string | null;
  }>(
    `select id, ghost, user_id, emoji, code from verifications
     where (state = 'comparing' and decision is null) or (state = 'requested' and code is not null) order by id`,
  );
  return rows.map(({ id, ghost, user_id: userId, emoji, code }) => ({
    id,
    ghost,
    userId,
    shows:
      emoji !== null
        ? { kind: "emoji", emoji: JSON.parse(emoji) as Emoji[] }
        : code !== null
          ? { kind: "code", code: Buffer.from(code, "base64") }
          : { kind: "scanned" },
  }));
}

/**
 * Stores the operator's decision. Returns the ghost of the verification; undefined when the verification does not wait.
 */
export async function decideVerification(
  database: Queryable,
  id: number,
  decision: "match" | "mismatch",
): Promise<{ readonly ghost: string; readonly userId: string } | undefined> {
  const { rows } = await database.query<{ ghost: string; user_id: string }>(
    `update verifications set decision = $2 where id = $1 and state = 'comparing' and decision is null
     returning ghost, user_id`,
    [id, decision],
  );
  const [row] = rows;
  return row === undefined ? undefined : { ghost: row.ghost, userId: row.user_id };
}
