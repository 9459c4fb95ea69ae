import type { Queryable } from "../database/database.ts";

/*
 * What the turns tell whoever runs the bridge: numbers, ids and states, never words. All functions throw DatabaseError.
 */

/** The work of one ghost. */
export interface GhostActivity {
  readonly ghost: string;
  /** Turns that wait for a place, for their model or for people. */
  readonly waiting: number;
  /** Turns at work. */
  readonly working: number;
  readonly lastAnswer: Date | undefined;
  /** The turns of the last 24 hours, and those of them that failed. */
  readonly answered: number;
  readonly failed: number;
  /** The code of the last failure within these hours. */
  readonly lastFailure: string | undefined;
}

/** The work of every ghost that was ever asked, by its user id. */
export async function activityOfGhosts(database: Queryable): Promise<ReadonlyMap<string, GhostActivity>> {
  const { rows } = await database.query<{
    ghost: string;
    waiting: number;
    working: number;
    last_answer: Date | null;
    answered: number;
    failed: number;
    last_failure: string | null;
  }>(
    `select ghost,
       count(*) filter (where state in ('queued', 'waiting'))::integer as waiting,
       count(*) filter (where state in ('running', 'sending'))::integer as working,
       max(finished_at) filter (where state = 'answered') as last_answer,
       count(*) filter (where state = 'answered' and finished_at > now() - interval '1 day')::integer as answered,
       count(*) filter (where state = 'failed' and finished_at > now() - interval '1 day')::integer as failed,
       (array_agg(failure order by finished_at desc)
         filter (where state = 'failed' and finished_at > now() - interval '1 day'))[1] as last_failure
     from turns group by ghost`,
  );
  return new Map(
    rows.map((row) => [
      row.ghost,
      {
        ghost: row.ghost,
        waiting: row.waiting,
        working: row.working,
        lastAnswer: row.last_answer ?? undefined,
        answered: row.answered,
        failed: row.failed,
        lastFailure: row.last_failure ?? undefined,
      },
    ]),
  );
}

/** A question that is not answered yet. */
export interface OpenTurn {
  readonly id: number;
  readonly ghost: string;
  readonly roomId: string;
  readonly roomName: string | undefined;
  readonly asker: string;
  readonly state: "queued" | "running" | "waiting" | "sending";
  readonly askedAt: Date;
  readonly attempts: number;
  /** The steps so far, and the state of the last one. */
  readonly steps: number;
  readonly lastStep: { readonly askedOf: string; readonly state: string } | undefined;
}

/** The open questions, the oldest first, and the number of all. */
export async function openTurns(
  database: Queryable,
  limit: number,
): Promise<{ readonly all: number; readonly turns: readonly OpenTurn[] }> {
  const { rows } = await database.query<{
    all: number;
    id: number;
    ghost: string;
    room_id: string;
    name: string | null;
    asker: string;
    state: OpenTurn["state"];
    created_at: Date;
    attempts: number;
    steps: number;
    asked_of: string | null;
    step_state: string | null;
  }>(
    `with open as (
       select id, ghost, room_id, asker, state, created_at, attempts, count(*) over ()::integer as all from turns
       where state in ('queued', 'running', 'waiting', 'sending') order by id limit $1)
     select open.*, rooms.name, coalesce(last.number, 0) as steps, last.asked_of, last.state as step_state
     from open left join rooms using (room_id)
       left join lateral (select number, asked_of, state from turn_steps where turn = open.id order by number desc limit 1) last on true
     order by open.id`,
    [limit],
  );
  return {
    all: rows[0]?.all ?? 0,
    turns: rows.map((row) => ({
      id: row.id,
      ghost: row.ghost,
      roomId: row.room_id,
      roomName: row.name ?? undefined,
      asker: row.asker,
      state: row.state,
      askedAt: row.created_at,
      attempts: row.attempts,
      steps: row.steps,
      lastStep:
        row.asked_of === null || row.step_state === null ? undefined : { askedOf: row.asked_of, state: row.step_state },
    })),
  };
}

/** The questions of one day, user, room or agent. */
export interface UsageOf {
  readonly key: string;
  readonly questions: number;
  /** Tokens that were read and written, as far as the models' servers said so. */
  readonly tokens: number;
}

/** The subjects by which use is told. */
export type UsageKind = "user" | "room" | "agent";

const COLUMNS: Readonly<Record<UsageKind, string>> = { user: "asker", room: "room_id", agent: "ghost" };

const COUNTED = `count(*)::integer as questions,
  coalesce(sum(coalesce(prompt_tokens, 0) + coalesce(answer_tokens, 0)), 0)::bigint as tokens`;

/** The use of each of the last days (UTC), the oldest first; days without any are left out. */
export async function usageByDay(database: Queryable, days: number): Promise<UsageOf[]> {
  const { rows } = await database.query<UsageOf>(
    `select to_char(created_at at time zone 'UTC', 'YYYY-MM-DD') as key, ${COUNTED} from turns
     where created_at > now() - make_interval(days => $1) group by 1 order by 1`,
    [days],
  );
  return rows;
}

/** The use of the last days by its subject, the most questions first. */
export async function usageBy(
  database: Queryable,
  kind: UsageKind,
  days: number,
  limit: number,
): Promise<readonly UsageOf[]> {
  const { rows } = await database.query<UsageOf>(
    `select ${COLUMNS[kind]} as key, ${COUNTED} from turns
     where created_at > now() - make_interval(days => $1) group by 1 order by questions desc, key limit $2`,
    [days, limit],
  );
  return rows;
}
