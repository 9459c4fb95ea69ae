import { deleteInBatches } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";
import { storable } from "../database/text.ts";
import { counted } from "../language/counted.ts";
import type { Transaction } from "../homeserver/transaction.ts";
import type { Seals } from "../sealing/seals.ts";

/** The most malformed parts that are kept, the newest ones. */
const MOST_MALFORMED = 1_000;

/** Stores malformed parts of a transaction for an operator to look at. */
export async function insertMalformed(tx: Queryable, seals: Seals, malformed: Transaction["malformed"]): Promise<void> {
  if (malformed.length === 0) return;
  const key = await seals.in(tx, {});
  for (const { reason, raw } of malformed) {
    await tx.query("insert into malformed (reason, raw, sealed_by) values ($1, $2, $3)", [
      reason,
      key.seal(readable(raw), "malformed.raw"),
      key.id,
    ]);
  }
  await tx.query("delete from malformed where id <= (select id from malformed order by id desc offset $1 limit 1)", [
    MOST_MALFORMED,
  ]);
}

/** Counts the malformed parts. */
export async function countMalformed(database: Queryable): Promise<number> {
  const { rows } = await database.query<{ count: number }>("select count(*)::integer as count from malformed");
  return rows[0]?.count ?? 0;
}

/** A number of malformed parts in words. */
export function malformedInWords(count: number): string {
  return `${counted(count, "part", "parts")} of transactions that ${count === 1 ? "was no event" : "were no events"}`;
}

/** Deletes old malformed parts. Returns their number. */
export function pruneMalformed(database: Database, olderThanDays: number, signal?: AbortSignal): Promise<number> {
  const where = "received_at < now() - $1 * interval '1 day'";
  return deleteInBatches(database, { from: "malformed", where, values: [olderThanDays] }, signal);
}

/** A malformed part as text. One that is nested too deep gets a placeholder. */
function readable(raw: unknown): string {
  try {
    return storable(((JSON.stringify(raw) as string | undefined) ?? "").slice(0, 65_536));
  } catch {
    return "(can't be shown)";
  }
}
