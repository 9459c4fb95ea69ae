import { DatabaseError } from "./database.ts";
import { PlanOutdated } from "./prepared-statements.ts";

/** The SQLSTATE that `hold_sealing_keys` raises: a key in memory may not be used any more. */
const KEY_OUTDATED = "MA002";

/**
 * Runs work a second time when the first did nothing, because this process held an outdated plan or sealing key. The first
 * failure has made the process forget it.
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
