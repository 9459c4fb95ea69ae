import type { Actor } from "../../audit/audit-entry.ts";
import { AuditLog } from "../../audit/audit-log.ts";
import type { Emoji } from "../../crypto/verifications.ts";
import type { Database, Queryable } from "../../database/database.ts";
import { notifyProcesses } from "../../leases/processes.ts";

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
 * Stores the operator's decision and tells the ghost's process. Returns the two sides of the verification; undefined when it
 * does not wait.
 */
export function decideVerification(
  database: Database,
  id: number,
  decision: "match" | "mismatch",
  by: Actor,
): Promise<Pick<WaitingVerification, "ghost" | "userId"> | undefined> {
  return database.transaction(async (tx) => {
    const { rows } = await tx.query<{ ghost: string; user_id: string }>(
      `update verifications set decision = $2 where id = $1 and state = 'comparing' and decision is null
       returning ghost, user_id`,
      [id, decision],
    );
    const [row] = rows;
    if (row === undefined) return undefined;
    const { ghost, user_id: userId } = row;
    await notifyProcesses(tx, { mail: [], wakeUps: [ghost] });
    const command = decision === "match" ? "verify confirm" : "verify reject";
    const subject = `${ghost} ${userId}`;
    await new AuditLog(database).record(tx, { kind: "admin.command", by, command, subject });
    return { ghost, userId };
  });
}
