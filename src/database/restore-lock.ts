import { databaseRefusal, type Queryable } from "./database.ts";

/**
 * Nobody else may use a database during a restore. Every user of it takes a shared lock first, and `restore` takes the
 * lock exclusively; nobody waits. In the embedded database, with one process and one connection, these locks never
 * exclude each other.
 */

/** Any constant: it names that lock. */
const RESTORE_LOCK = 7_295_004;

/**
 * Keeps a restore out until the transaction or the session ends. Throws {@link DatabaseError}, in words for the admin,
 * during a restore.
 */
export async function refuseDuringRestore(
  database: Pick<Queryable, "query">,
  until: "transaction" | "session",
): Promise<void> {
  const take = until === "session" ? "pg_try_advisory_lock_shared" : "pg_try_advisory_xact_lock_shared";
  const { rows } = await database.query<{ taken: boolean }>(`select ${take}($1) as taken`, [RESTORE_LOCK]);
  if (rows[0]?.taken === true) return;
  throw databaseRefusal("a backup is being restored into the database; try again when that has ended");
}

/**
 * Keeps all others out until the transaction ends; false when somebody uses the database. Throws {@link DatabaseError}.
 */
export async function takeForRestore(tx: Queryable): Promise<boolean> {
  const { rows } = await tx.query<{ taken: boolean }>("select pg_try_advisory_xact_lock($1) as taken", [RESTORE_LOCK]);
  return rows[0]?.taken === true;
}
