import type { PGlite } from "@electric-sql/pglite";
import { databaseError } from "./database.ts";

/**
 * The tables that PostgreSQL's autovacuum would take up, by its own limits: many rows deleted or changed since the last time,
 * or many added.
 */
const DUE = `
  select format('%I.%I', s.schemaname, s.relname) as name
  from pg_stat_user_tables s join pg_class c on c.oid = s.relid
  where s.n_dead_tup > 50 + 0.2 * greatest(c.reltuples, 0)
     or s.n_ins_since_vacuum > 1000 + 0.2 * greatest(c.reltuples, 0)
     or s.n_mod_since_analyze > 50 + 0.1 * greatest(c.reltuples, 0)
  order by 1`;

/**
 * Does for the embedded database what the helper processes of a PostgreSQL server do by themselves, and a PostgreSQL in single-user
 * mode never: it gives the room of deleted rows back (`vacuum`), counts the rows anew for the planner (`analyze`), and lets the
 * write-ahead log go (`checkpoint`), which else grows until the bridge stops. One table at a time, so that other statements come in between. Throws DatabaseError.
 */
export async function keepUp(lite: Pick<PGlite, "query" | "exec">, signal: AbortSignal): Promise<void> {
  try {
    // The counts of the last second are not in PostgreSQL's statistics yet.
    await lite.query("select pg_stat_force_next_flush()");
    const { rows } = await lite.query<{ name: string }>(DUE);
    for (const { name } of rows) {
      if (signal.aborted) return;
      await lite.exec(`vacuum (analyze) ${name}`);
    }
    await lite.exec("checkpoint");
  } catch (cause) {
    throw databaseError(cause);
  }
}
