import { DatabaseError } from "./database.ts";
import { PlanOutdated } from "./prepared-statements.ts";

/** What `hold_sealing_keys` raises: a key that was in memory may not be used any more. */
const KEY_OUTDATED = "MA002";

/**
 * Runs something once more when it did nothing because this process knew a plan or a sealing key that is outdated: it has
 * forgotten them by then.
 */
export async function onceMore<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const isOutdated = error instanceof PlanOutdated || (error instanceof DatabaseError && error.code === KEY_OUTDATED);
    if (isOutdated) return run();
    throw error;
  }
}
