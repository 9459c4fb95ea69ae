import type { Queryable } from "../database/database.ts";

/** The number of live processes on a database. Throws DatabaseError. */
export async function countLiveProcesses(database: Queryable): Promise<number> {
  const { count } = await database.query("select from processes where process_lives(number)");
  return count;
}

/** Whether a bridge runs on a database, which may still lack its tables. Throws DatabaseError. */
export async function isBridgeRunning(database: Queryable): Promise<boolean> {
  const there = await database.query("select where to_regclass('processes') is not null");
  return there.count > 0 && (await countLiveProcesses(database)) > 0;
}
