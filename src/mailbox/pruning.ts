import type { Logger } from "../observability/log.ts";

/** How long it is remembered which events were handled and what was sent. */
const KEPT_FOR_DAYS = 90;
const EVERY_MS = 3_600_000;
/** Where a process never lives for an hour, too. */
const FIRST_AFTER_MS = 60_000;

/** Deletes rows that are older than so many days. Returns how many. */
export type Prune = (olderThanDays: number) => Promise<number>;

/** Deletes what nobody needs any more, every hour, until the returned function has resolved. */
export function startPruning(prunes: readonly Prune[], log: Logger): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  const prune = (): void => {
    running = pruneAll(prunes, log);
    timer = setTimeout(prune, EVERY_MS).unref();
  };
  let timer = setTimeout(prune, FIRST_AFTER_MS).unref();
  return () => {
    clearTimeout(timer);
    return running;
  };
}

async function pruneAll(prunes: readonly Prune[], log: Logger): Promise<void> {
  try {
    let rows = 0;
    for (const prune of prunes) rows += await prune(KEPT_FOR_DAYS);
    if (rows > 0) log.info({ rows }, "old rows deleted");
  } catch (error) {
    log.warn({ error }, "old rows could not be deleted; trying again in an hour");
  }
}
