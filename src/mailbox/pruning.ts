import type { Database } from "../database/database.ts";
import type { Logger } from "../observability/log.ts";

/** The days for which ids of handled events and sent messages are kept. */
export const KEPT_FOR_DAYS = 90;
const EVERY_MS = 3_600_000;
/** Some processes never live for an hour, so the first pruning comes early. */
const FIRST_AFTER_MS = 60_000;
/** One of several processes prunes, and has the turn for this long. */
const TURN = "50 minutes";

/** Deletes rows that its owner no longer needs, in batches, until the signal aborts it. Returns their number. */
export type Prune = (signal: AbortSignal) => Promise<number>;

/** Prunes every hour, in one of all processes. The returned function stops it. */
export function startPruning(database: Database, prunes: readonly Prune[], log: Logger): () => Promise<void> {
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();
  const prune = (): void => {
    running = pruneInTurn(database, prunes, stopping.signal, log);
    timer = setTimeout(prune, EVERY_MS).unref();
  };
  let timer = setTimeout(prune, FIRST_AFTER_MS).unref();
  return () => {
    clearTimeout(timer);
    stopping.abort(new Error("the bridge is stopping"));
    return running;
  };
}

async function pruneInTurn(
  database: Database,
  prunes: readonly Prune[],
  signal: AbortSignal,
  log: Logger,
): Promise<void> {
  try {
    if (!(await takeTurn(database))) return;
  } catch (error) {
    log.warn({ error }, "old rows could not be searched; trying again in an hour");
    return;
  }
  const rows = await pruneAll(prunes, signal, log);
  if (rows > 0) log.info({ rows }, "old rows deleted");
  await database.upkeep?.(signal).catch((error: unknown) => {
    log.warn({ error }, "the database could not be kept up; trying again in an hour");
  });
}

/** Runs all prunes in a row; a failing one does not stop the others. Returns the number of deleted rows. */
export async function pruneAll(prunes: readonly Prune[], signal: AbortSignal, log: Logger): Promise<number> {
  let rows = 0;
  for (const prune of prunes) {
    if (signal.aborted) break;
    rows += await prune(signal).catch((error: unknown) => {
      log.warn({ error }, "old rows could not be deleted; trying again in an hour");
      return 0;
    });
  }
  return rows;
}

/** Whether this process has the turn; one process an hour gets it, by the database's clock. */
export async function takeTurn(database: Database): Promise<boolean> {
  const { count } = await database.query(
    `insert into settings (name, value) values ('pruned_at', now()::text)
     on conflict (name) do update set value = excluded.value
     where settings.value::timestamptz < now() - interval '${TURN}'`,
  );
  return count > 0;
}
