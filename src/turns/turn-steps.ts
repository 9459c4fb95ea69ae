import { deleteInBatches } from "../database/batches.ts";
import type { Database } from "../database/database.ts";
import { unlessBroken } from "../sealing/sealed-text.ts";
import type { Seal, SealedRow, Seals } from "../sealing/seals.ts";
import { FIRST_STEP, type StepEnd, type TurnStep } from "./turn-step.ts";
import type { Turn } from "./turn.ts";

/** The turn that steps belong to. */
type WhichTurn = Pick<Turn, "id" | "ghost">;

/**
 * Writes the first step of a turn, unless it exists: the end of a statement in which `started` names the turn by
 * `ghost` and `id`. So the step needs no statement of its own.
 */
export const WRITE_FIRST_STEP = `insert into turn_steps (ghost, turn, number, asked_of, state)
  select ghost, id, ${FIRST_STEP.number}, '${FIRST_STEP.askedOf}', '${FIRST_STEP.state}' from started
  on conflict (turn, number) do nothing`;

/**
 * Records the result of a step, sealed by {@link sealedEnd}: $1 is the turn's id, $3 the key's, $4 to $6 are the
 * step's.
 */
export const END_STEP = "update turn_steps set state = $4, answer = $5, sealed_by = $3 where turn = $1 and number = $6";

/** The values of {@link END_STEP} from $4 on; without a step, values that change nothing. */
export function sealedEnd(turn: WhichTurn, end: StepEnd | undefined, seal: Seal): readonly unknown[] {
  if (end === undefined) return [null, null, null];
  const { number, state, answer } = end;
  return [state, seal.seal(JSON.stringify(answer), ...contextOf(turn, number)), number];
}

/** Deletes the steps of the turns that `ended` names by `id`: the end of a statement as above. */
export const FORGET_STEPS = "delete from turn_steps using ended where turn_steps.turn = ended.id";

/** The rows of `turn_steps`, the steps of turns that have not ended. */
export class TurnSteps {
  readonly #database: Database;
  readonly #seals: Seals;

  constructor(database: Database, seals: Seals) {
    this.#database = database;
    this.#seals = seals;
  }

  /**
   * The steps of a turn that a former process began. A step whose answer can't be opened counts as unanswered, and the
   * steps after it or after a gap do not count, because they were based on it.
   */
  async of(turn: WhichTurn): Promise<readonly TurnStep[]> {
    const { rows: all } = await this.#database.query<StepRow>(
      "select number, asked_of, state, answer, sealed_by from turn_steps where turn = $1 order by number",
      [turn.id],
    );
    const { rows, open } = await this.#seals.open(all);
    const steps: TurnStep[] = [];
    for (const row of rows) {
      if (row.number !== steps.length + 1) break;
      const { answer } = row;
      const said = answer === null ? undefined : unlessBroken(() => open(row, answer, ...contextOf(turn, row.number)));
      steps.push(stepOf(row, said));
      if (said === undefined) break;
    }
    return steps;
  }

  /** Deletes the steps of ended turns, where a version without steps ended them. Returns their number. */
  async prune(signal?: AbortSignal): Promise<number> {
    const where = "turn in (select id from turns where state in ('answered', 'failed', 'cancelled'))";
    return deleteInBatches(this.#database, { from: "turn_steps", where, values: [] }, signal);
  }
}

/** The context that the answer of a step is sealed with: see sealing/sealed-text.ts. */
function contextOf({ id, ghost }: WhichTurn, number: number): string[] {
  return ["turn_steps.answer", ghost, String(id), String(number)];
}

/** A step as it was stored; `said` is its opened answer, if any. */
function stepOf({ number, asked_of: askedOf, state }: StepRow, said: string | undefined): TurnStep {
  const name = { number, askedOf };
  if (state === "asked" || said === undefined) return { ...name, state: "asked" };
  const answer: unknown = JSON.parse(said);
  return { ...name, state, answer } as TurnStep;
}

interface StepRow extends SealedRow {
  number: number;
  asked_of: TurnStep["askedOf"];
  state: TurnStep["state"];
  answer: string | null;
}
