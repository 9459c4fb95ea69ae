import type { Database } from "../database/database.ts";
import type { Logger } from "../observability/log.ts";

/** How long it is remembered which events were handled and what was sent. */
export const KEPT_FOR_DAYS = 90;
const EVERY_MS = 3_600_000;
/** Where a process never lives for an hour, too. */
const FIRST_AFTER_MS = 60_000;
/** Of several processes one has the turn, for so long. */
const TURN = "50 minutes";

/** Deletes what its owner does not need any more, some rows at a time, until the signal ends it. Returns how many. */
export type Prune = (signal: AbortSignal) => Promise<number>;

/** Deletes what nobody needs any more, every hour, by one process of all. The returned function ends it. */
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
    log.warn({ error }, "old rows could not be looked for; trying again in an hour");
    return;
  }
  const rows = await pruneAll(prunes, signal, log);
  if (rows > 0) log.info({ rows }, "old rows deleted");
}

/** All of them, one after the other; one that fails keeps none of the others from it. Returns how many rows went. */
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

/** Whether it is this process's turn; another that asks within the same hour has none. By the database's clock. */
export async function takeTurn(database: Database): Promise<boolean> {
  const { count } = await database.query(
    `insert into settings (name, value) values ('pruned_at', now()::text)
     on conflict (name) do update set value = excluded.value
     where settings.value::timestamptz < now() - interval '${TURN}'`,
  );
  return count > 0;
}
