import type { Actor } from "../audit/audit-entry.ts";
import { AuditLog } from "../audit/audit-log.ts";
import { deleteInBatches } from "../database/batches.ts";
import type { Database, Queryable } from "../database/database.ts";
import { askProcessesToLook } from "../leases/processes.ts";

/** An agent that is paused: it stays in its rooms, hears and remembers, and answers nothing. */
export interface Pause {
  readonly ghost: string;
  readonly by: string;
  readonly at: Date;
}

/** Holds in a statement where the agent of the table's row is paused; see `agent_pauses`. */
export function isPaused(table: string): string {
  return `exists (select from agent_pauses where agent_pauses.ghost = ${table}.ghost and resumed_at is null)`;
}

/**
 * The paused agents as this process knows them: read at its start, at each heartbeat, and when somebody pauses or resumes one.
 * Statements that begin a turn ask the rows themselves.
 */
export class AgentPauses {
  readonly #database: Database;
  #now: ReadonlyMap<string, Pause> = new Map();

  constructor(database: Database) {
    this.#database = database;
  }

  /** The pause of an agent; undefined for one that is not paused. */
  of(ghost: string): Pause | undefined {
    return this.#now.get(ghost);
  }

  /** All pauses, by their agents. */
  get all(): readonly Pause[] {
    return [...this.#now.values()];
  }

  /** Reads the rows again. Resolves with whether an agent goes on that was paused. Throws DatabaseError. */
  async refresh(): Promise<boolean> {
    const before = this.#now;
    this.#now = new Map((await pausedAgents(this.#database)).map((pause) => [pause.ghost, pause]));
    return [...before.keys()].some((ghost) => !this.#now.has(ghost));
  }
}

/** The paused agents, by their user ids. Throws DatabaseError. */
export async function pausedAgents(database: Queryable): Promise<Pause[]> {
  const { rows } = await database.query<Pause>(
    'select ghost, paused_by as "by", paused_at as at from agent_pauses where resumed_at is null order by ghost',
  );
  return rows;
}

/**
 * Pauses an agent in all processes, at once. What it has begun to answer ends as usual; what waits is answered when it goes on.
 * False where it is paused already. Throws DatabaseError.
 */
export function pauseAgent(database: Database, ghost: string, by: Actor): Promise<boolean> {
  return database.transaction(async (tx) => {
    const { count } = await tx.query(
      `insert into agent_pauses (ghost, paused_by) values ($1, $2)
       on conflict (ghost) do update set paused_by = excluded.paused_by, paused_at = now(), resumed_at = null
         where agent_pauses.resumed_at is not null`,
      [ghost, by],
    );
    if (count === 0) return false;
    await askProcessesToLook(tx);
    await new AuditLog(database).record(tx, { kind: "agent.paused", ghost, by });
    return true;
  });
}

/** Ends a pause, in all processes at once. False where the agent is not paused. Throws DatabaseError. */
export function resumeAgent(database: Database, ghost: string, by: Actor): Promise<boolean> {
  return database.transaction(async (tx) => {
    const { count } = await tx.query(
      "update agent_pauses set resumed_at = clock_timestamp() where ghost = $1 and resumed_at is null",
      [ghost],
    );
    if (count === 0) return false;
    await askProcessesToLook(tx);
    await new AuditLog(database).record(tx, { kind: "agent.resumed", ghost, by });
    return true;
  });
}

/** Deletes pauses that ended some time ago. Returns the number of rows. */
export function prunePauses(database: Database, olderThanDays: number, signal?: AbortSignal): Promise<number> {
  const where = "resumed_at < now() - $1 * interval '1 day'";
  return deleteInBatches(database, { from: "agent_pauses", where, values: [olderThanDays] }, signal);
}
