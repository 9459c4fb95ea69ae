import type { Database } from "../database/database.ts";
import { unlessBroken } from "../sealing/sealed-text.ts";
import type { Seals } from "../sealing/seals.ts";
import { isPaused } from "../agents/pauses.ts";
import { AT_WORK, type AtWork } from "./at-work.ts";
import { replyContext, TURN, turnOf, type TurnRow } from "./turn-rows.ts";
import { FORGET_STEPS } from "./turn-steps.ts";
import type { Turn, TurnReply } from "./turn.ts";

/** An open turn and its progress. */
export type OpenTurn =
  | {
      readonly state: "queued";
      readonly turn: Turn;
      readonly attempts: number;
      /** It was started before, whether that counts as an attempt or not: it may have steps, and a draft. */
      readonly hasBegun: boolean;
      /** The edits of its draft so far, over all attempts. */
      readonly edits: number;
      /** The time since the question, or since its agent's last pause, in ms by the database's clock. */
      readonly ageMs: number;
      /** It was stopped before its process ended. */
      readonly isStopped: boolean;
      /** The time for people to decide about its calls is over. */
      readonly isLate: boolean;
    }
  | {
      readonly state: "sending";
      readonly turn: Turn;
      readonly reply: TurnReply;
      /** It was never begun: its reply does not wait for earlier turns. */
      readonly isDeclined: boolean;
    };

/** A turn that was queued a moment ago. */
export function justQueued(turn: Turn): OpenTurn {
  const none = { attempts: 0, edits: 0, ageMs: 0 };
  return { state: "queued", turn, ...none, hasBegun: false, isStopped: false, isLate: false };
}

/** The turns to be taken. */
export interface DueTurns {
  readonly turns: readonly OpenTurn[];
  /** Whether no other open turn of the process's ghosts waits. */
  readonly isAll: boolean;
  /** The time until the first `waiting` turn has to be taken, in ms; undefined where there is none. */
  readonly nextInMs: number | undefined;
}

/** The open rows of `turns`, in the order in which they are taken. */
export class TurnQueue {
  readonly #database: Database;
  readonly #seals: Seals;

  constructor(database: Database, seals: Seals) {
    this.#database = database;
    this.#seals = seals;
  }

  /**
   * The turns that a process should take in addition to its running ones: the oldest open turn of each conversation of
   * its ghosts, up to `atWork`, each person's first turn before anybody's second; and as many declined ones, which wait
   * for nobody. A turn that is `running` in the database but not in `running` was left by a process that ended. One that
   * is `waiting` for a person is taken when its time is over. Of a paused agent only what runs, or is sent, is taken.
   */
  async due(process: number, running: readonly number[] = [], atWork: AtWork = AT_WORK): Promise<DueTurns> {
    const found = await this.#database.query<TurnRow & { readonly open: number; readonly next_in_ms: number | null }>(
      `with open as (
         select ${TURN}, state, reply, sealed_by, attempts, edits, stopped,
           extract(epoch from now() - greatest(created_at, (
             select resumed_at from agent_pauses where agent_pauses.ghost = turns.ghost))) * 1000 as age_ms, attempts = 0 and state = 'sending' as declined,
           exists (select from turn_steps where turn = turns.id) as begun,
           coalesce(waits_until <= now(), false) as late
         from (
           select * from turns where state in ('queued', 'running', 'sending')
           union all select * from turns where state = 'waiting' and waits_until <= now()
         ) as turns join leases using (ghost)
         where owner = $1 and (state in ('running', 'sending') or not ${isPaused("turns")})
       ), first as (
         select distinct on (ghost, room_id, thread_root) id, ghost, asker, id = any($2::bigint[]) as runs
         from open where not declined order by ghost, room_id, thread_root, runs desc, id
       ), of_asker as (
         select *, row_number() over (partition by asker order by runs desc, id) as nth_of_asker from first
       ), of_ghost as (
         select *, row_number() over (partition by ghost order by runs desc, nth_of_asker, id) as nth_of_ghost
         from of_asker where nth_of_asker <= $3
       ), placed as (
         select id from of_ghost where nth_of_ghost <= $4 order by runs desc, nth_of_asker, id limit $5
       ), declined as (
         select id from open where declined order by id limit $5
       )
       select open.*, counted.open, counted.next_in_ms from (
         select count(*)::integer as open, (
           select extract(epoch from min(waits_until) - now())::float8 * 1000 from turns join leases using (ghost)
           where state = 'waiting' and waits_until > now() and owner = $1
         ) as next_in_ms
         from open where id <> all($2::bigint[])
       ) as counted left join open
         on id <> all($2::bigint[]) and (id in (select id from placed) or id in (select id from declined))
       order by id`,
      [process, running, atWork.ofAsker, atWork.ofGhost, atWork.all],
    );
    const due = found.rows.filter(({ id }) => (id as number | null) !== null);
    const { rows, open } = await this.#seals.open(due);
    const turns: OpenTurn[] = [];
    for (const row of rows) {
      const turn = turnOf(row);
      if (row.state !== "sending" || row.reply === null) {
        const { attempts, begun, edits, age_ms: ageMs, stopped: isStopped, late: isLate } = row;
        const hasBegun = attempts > 0 || begun;
        turns.push({ state: "queued", turn, attempts, hasBegun, edits, ageMs, isStopped, isLate });
        continue;
      }
      const { reply: sealed } = row;
      const reply = unlessBroken(() => open(row, sealed, ...replyContext(turn)));
      if (reply === undefined) await this.#giveUp(turn);
      else turns.push({ state: "sending", turn, reply: JSON.parse(reply) as TurnReply, isDeclined: row.declined });
    }
    const [counted] = found.rows;
    return { turns, isAll: turns.length === (counted?.open ?? 0), nextInMs: counted?.next_in_ms ?? undefined };
  }

  /** The stored reply can't be opened any more; it must not hold up other turns. */
  async #giveUp(turn: Turn): Promise<void> {
    await this.#database.query(
      `with ended as (
         update turns set state = 'failed', failure = 'damaged', reply = null, sealed_by = null, finished_at = now()
         where id = $1 and state = 'sending' returning id
       ) ${FORGET_STEPS}`,
      [turn.id],
    );
  }

  /** The ghosts with open turns that a process owns, or could own because no other process does. */
  async ghostsWithOpenTurns(process: number): Promise<string[]> {
    const { rows } = await this.#database.query<{ ghost: string }>(
      `select distinct ghost from (
         select ghost, state from turns where state in ('queued', 'running', 'sending')
         union all select ghost, state from turns where state = 'waiting' and waits_until <= now()
       ) as turns left join leases using (ghost)
       where (owner is null or owner = $1 or not process_lives(owner))
         and (state in ('running', 'sending') or not ${isPaused("turns")})`,
      [process],
    );
    return rows.map((row) => row.ghost);
  }
}
