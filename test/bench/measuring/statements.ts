import pg from "pg";
import type { Stage } from "../stage.ts";

/** The settings of a PostgreSQL server that keeps `pg_stat_statements`, as its contrib modules have it. */
export const STATEMENT_SETTINGS = {
  shared_preload_libraries: "pg_stat_statements",
  "pg_stat_statements.track_planning": "on",
} as const;

/** A statement of the bridge, with its sums since they were last reset. */
export interface StatementSums {
  readonly text: string;
  readonly calls: number;
  readonly planningMs: number;
  readonly executingMs: number;
  /** The pages of 8 KiB that it looked at, wherever they lay. */
  readonly pages: number;
}

/** PostgreSQL's own account of the bridge's statements. */
export interface Statements {
  reset(): Promise<void>;
  sums(): Promise<StatementSums[]>;
  /** Runs this in the bridge's database. */
  run(sql: string): Promise<void>;
  /** The number that a query of the bridge's database has. */
  count(sql: string): Promise<number>;
  close(): Promise<void>;
}

/** Begins it. The server must have {@link STATEMENT_SETTINGS}. */
export async function openStatements(stage: Stage): Promise<Statements> {
  const client = new pg.Client({ connectionString: stage.postgres.adminUrl });
  const url = stage.deployment.settings.database ?? "";
  const database = new URL(url).pathname.slice(1);
  const bridges = new pg.Client({ connectionString: url });
  await Promise.all([client.connect(), bridges.connect()]);
  await client.query("create extension if not exists pg_stat_statements");
  return {
    reset: async () => {
      await client.query("select pg_stat_statements_reset()");
    },
    sums: async () => {
      const { rows } = await client.query<Record<keyof StatementSums, string>>(
        `select query as text, calls, total_plan_time as "planningMs", total_exec_time as "executingMs",
           shared_blks_hit + shared_blks_read as pages
         from pg_stat_statements join pg_database on pg_database.oid = dbid where datname = $1`,
        [database],
      );
      return rows.map(({ text, calls, planningMs, executingMs, pages }) => ({
        text,
        calls: Number(calls),
        planningMs: Number(planningMs),
        executingMs: Number(executingMs),
        pages: Number(pages),
      }));
    },
    run: async (sql) => {
      await bridges.query(sql);
    },
    count: async (sql) => Number((await bridges.query<{ count: string }>(sql)).rows[0]?.count),
    close: async () => {
      await client.end();
      await bridges.end();
    },
  };
}
