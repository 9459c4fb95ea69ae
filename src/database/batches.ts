import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "./database.ts";

/** The rows of one statement: it holds locks for some milliseconds. */
export const BATCH_ROWS = 1_000;

/** The pause between two statements, in ms, which lets other users of the database come first. */
const PAUSE_MS = 20;

/** The rows to delete. The names and the condition are the owner's own text, never from outside. */
export interface Doomed {
  readonly from: string;
  readonly where: string;
  readonly values?: readonly number[];
}

/**
 * Deletes the rows of a table that meet a condition, in batches, each in its own transaction, until none are left or
 * the signal aborts. A row that changes meanwhile stays for the next run. Returns their number. Throws DatabaseError.
 */
export function deleteInBatches(
  database: Database,
  { from, where, values = [] }: Doomed,
  signal?: AbortSignal,
): Promise<number> {
  const old = withNumbers(where, values);
  return inBatches(async () => {
    const { count } = await database.query(
      `delete from ${from} where ctid = any (array(select ctid from ${from} where ${old} limit ${BATCH_ROWS}))`,
    );
    return { rows: count, isLast: count < BATCH_ROWS };
  }, signal);
}

/** The same with the caller's own steps. */
export async function inBatches(
  step: () => Promise<{ readonly rows: number; readonly isLast: boolean }>,
  signal?: AbortSignal,
): Promise<number> {
  let all = 0;
  while (signal?.aborted !== true) {
    const { rows, isLast } = await step();
    all += rows;
    if (isLast) break;
    await sleep(PAUSE_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
  return all;
}

/**
 * A statement that has its numbers within it. It is planned without its parameters otherwise (see postgres.ts): then PostgreSQL
 * takes a third of the rows for too old, and reads a whole table to find a few.
 */
export function withNumbers(sql: string, values: readonly number[]): string {
  return sql.replaceAll(/\$(\d+)/g, (_, nth) => {
    const value = values[Number(nth) - 1];
    if (value === undefined || !Number.isFinite(value)) throw new Error("a statement lacks a number");
    return `(${value})`;
  });
}
