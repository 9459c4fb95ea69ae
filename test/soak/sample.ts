import { readdir } from "node:fs/promises";
import pg from "pg";
import { memoryOf } from "../bench/measuring/memory.ts";

/** The bridge at one moment. */
export interface Sample {
  /** Since the begin of the run. */
  readonly minutes: number;
  /** The number of the bridge's process, from 0: each start makes a new one. */
  readonly life: number;
  /** Since that process was ready. */
  readonly ageSeconds: number;
  /** The number of questions that were answered by then. */
  readonly answered: number;
  /** In MiB; shared pages by their part. */
  readonly memory: number;
  /** Whether the process had just collected its garbage, so that its memory is what it keeps. */
  readonly isCollected: boolean;
  /** The delay of the event loop that 99 of 100 ticks since the last sample kept below, in ms. */
  readonly lag: number;
  /** Agents in memory. */
  readonly loaded: number;
  /** The bridge's connections to the database, as PostgreSQL counts them. */
  readonly connections: number;
  /** Open files and sockets of the process. */
  readonly files: number;
  /** The size of each table with its indexes and oversized values, in bytes. */
  readonly tables: Readonly<Record<string, number>>;
}

/** What is looked at. */
export interface Watched {
  readonly pid: number;
  readonly monitoringPort: number;
}

/** Looks at a bridge and its database. */
export class Sampler {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  /** @param databaseUrl the bridge's database. */
  static async open(databaseUrl: string): Promise<Sampler> {
    const client = new pg.Client({ connectionString: databaseUrl, application_name: "soak" });
    await client.connect();
    return new Sampler(client);
  }

  /** Undefined where the process has ended, or does not answer yet. */
  async look({
    pid,
    monitoringPort,
  }: Watched): Promise<Omit<Sample, "minutes" | "life" | "ageSeconds" | "answered" | "isCollected"> | undefined> {
    const [metrics, { pss: memory }, files] = await Promise.all([
      metricsAt(monitoringPort),
      memoryOf([pid]),
      readdir(`/proc/${pid}/fd`).catch(() => []),
    ]);
    if (metrics === undefined || memory === 0 || files.length === 0) return undefined;
    const { rows: connections } = await this.#client.query<{ open: number }>(
      `select count(*)::integer as open from pg_stat_activity
       where datname = current_database() and application_name <> 'soak' and backend_type = 'client backend'`,
    );
    const { rows: tables } = await this.#client.query<{ name: string; bytes: string }>(
      `select relname as name, pg_total_relation_size(oid) as bytes from pg_class
       where relkind = 'r' and relnamespace = 'public'::regnamespace`,
    );
    return {
      memory,
      lag: (metrics.get("nodejs_eventloop_lag_p99_seconds") ?? 0) * 1_000,
      loaded: metrics.get("matrix_agents_ghosts_loaded") ?? 0,
      connections: connections[0]?.open ?? 0,
      files: files.length,
      tables: Object.fromEntries(tables.map(({ name, bytes }) => [name, Number(bytes)])),
    };
  }

  close(): Promise<void> {
    return this.#client.end();
  }
}

/** The metrics without labels; undefined where nobody answers. */
async function metricsAt(port: number): Promise<ReadonlyMap<string, number> | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(5_000) });
    const lines = (await response.text()).split("\n");
    return new Map(
      lines.flatMap((line) => {
        const [, name, value] = /^(\w+) (\S+)$/.exec(line) ?? [];
        return name === undefined ? [] : [[name, Number(value)] as const];
      }),
    );
  } catch {
    return undefined;
  }
}
