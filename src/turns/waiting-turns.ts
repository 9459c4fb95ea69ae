import type { Database, Queryable } from "../database/database.ts";
import { isStorable } from "../database/text.ts";
import { fencedAtOnce, type Lease } from "../leases/leases.ts";
import type { TurnSteps } from "./turn-steps.ts";
import { withAnswer, type InputAnswer } from "./call-input.ts";
import { TURN, turnOf, type TurnRow } from "./turn-rows.ts";
import type { WaitingCall } from "./turn-step.ts";
import type { Turn } from "./turn.ts";

/** A call that waits for a person, and its turn. */
export interface WaitingQuestion {
  readonly turn: Turn;
  readonly step: WaitingCall;
  /** The letters by which people name it. */
  readonly code: string;
}

/** The rows of `turns` and of their calls that wait for a person's word. */
export class WaitingTurns {
  readonly #database: Database;
  readonly #steps: Pick<TurnSteps, "of" | "answered">;

  constructor(database: Database, steps: Pick<TurnSteps, "of" | "answered">) {
    this.#database = database;
    this.#steps = steps;
  }

  /**
   * `running` → `waiting`; back to `queued` where all calls were decided meanwhile, or the turn was stopped. It waited
   * for a person, so its attempts do not count. Throws StaleLease.
   */
  async wait(lease: Lease, { id }: Turn): Promise<void> {
    await fencedAtOnce(this.#database, lease, (tx) =>
      Promise.all([
        // A decision locks it too, so that the next statement sees the decided calls.
        tx.query("select from turns where id = $1 for update", [id]),
        tx.query(
          `update turns set attempts = 0, state = case
             when stopped or not exists (select from turn_steps where turn = $1 and turn_steps.state = 'waiting')
             then 'queued' else 'waiting' end
           where id = $1 and state = 'running'`,
          [id],
        ),
      ]),
    );
  }

  /** The calls of a room that wait for a person, oldest first; with a code, only the call of that. */
  async in(ghost: string, roomId: string, code?: string): Promise<readonly WaitingQuestion[]> {
    if (!isStorable(roomId)) return [];
    const { rows } = await this.#database.query<TurnRow & { readonly numbers: readonly number[] }>(
      `with waiting as (
         select turn, array_agg(number) as numbers from turn_steps
         where ghost = $1 and state = 'waiting' and ($3::text is null or code = $3) group by turn
       )
       select ${TURN}, numbers from turns join waiting on waiting.turn = turns.id
       where room_id = $2 and state in ('running', 'waiting') and waits_until > now() order by id`,
      [ghost, roomId, code ?? null],
    );
    const found: WaitingQuestion[] = [];
    for (const row of rows) {
      const turn = turnOf(row);
      for (const step of await this.#steps.of(turn))
        if (step.state === "waiting" && step.code !== undefined && row.numbers.includes(step.number))
          found.push({ turn, step, code: step.code });
    }
    return found;
  }

  /** What the turns of a question have said beside answers: questions about calls, and notices. */
  async saidBeside(ghost: string, roomId: string, question: string): Promise<readonly string[]> {
    if (!isStorable(question)) return [];
    const { rows } = await this.#database.query<{ event_id: string }>(
      `select turn_events.event_id from turn_events join turns on turns.id = turn
       where turns.ghost = $1 and turns.room_id = $2 and turns.event_id = $3 and turn_events.event_id = shown_as`,
      [ghost, roomId, question],
    );
    return rows.map((row) => row.event_id);
  }

  /**
   * Records a person's decision about a call, and queues its turn where no other call of it waits. False where the call
   * waits no more.
   */
  async decide(
    tx: Queryable,
    { turn, step, code }: WaitingQuestion,
    decision: "approved" | "declined",
    by: string,
  ): Promise<boolean> {
    if (!(await isOpen(tx, turn))) return false;
    const { count } = await tx.query(
      `update turn_steps set state = $4, decided_by = $5
       where turn = $1 and number = $2 and code = $3 and state = 'waiting'`,
      [turn.id, step.number, code, decision, by],
    );
    if (count === 0) return false;
    await queueIfDecided(tx, turn);
    return true;
  }

  /**
   * Records the person's answer to the question of a call's server, and queues its turn where no other call of it waits.
   * False where the call waits no more.
   */
  async answer(tx: Queryable, { turn, step, code }: WaitingQuestion, answer: InputAnswer): Promise<boolean> {
    const { input } = step.call;
    if (input === undefined || !(await isOpen(tx, turn))) return false;
    const { count } = await tx.query(
      "select from turn_steps where turn = $1 and number = $2 and code = $3 and state = 'waiting' for update",
      [turn.id, step.number, code],
    );
    if (count === 0) return false;
    await this.#steps.answered(tx, turn, step, withAnswer(input, answer));
    await queueIfDecided(tx, turn);
    return true;
  }
}

/** Locks a turn that may wait. False where it does not, or its time is over. */
async function isOpen(tx: Queryable, { id }: Turn): Promise<boolean> {
  // The clock of now: this transaction may have begun before the time was over.
  const { count } = await tx.query(
    `select from turns where id = $1 and state in ('running', 'waiting') and waits_until > clock_timestamp() for update`,
    [id],
  );
  return count > 0;
}

async function queueIfDecided(tx: Queryable, { id }: Turn): Promise<void> {
  await tx.query(
    `update turns set state = 'queued' where id = $1 and state = 'waiting'
       and not exists (select from turn_steps where turn = $1 and turn_steps.state = 'waiting')`,
    [id],
  );
}
