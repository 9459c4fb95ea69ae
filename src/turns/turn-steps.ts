import { deleteInBatches } from "../database/batches.ts";
import type { Database } from "../database/database.ts";
import { fencedAtOnce, fencedWithLast, type Lease } from "../leases/leases.ts";
import { unlessBroken } from "../sealing/sealed-text.ts";
import type { Seal, SealedRow, Seals } from "../sealing/seals.ts";
import type { StepRecords } from "./step-loop.ts";
import { FIRST_STEP, type CallStep, type EndedCall, type StepEnd, type TurnStep } from "./turn-step.ts";
import type { Turn } from "./turn.ts";

/** The turn that steps belong to. */
type WhichTurn = Pick<Turn, "id" | "ghost" | "roomId">;

/** A call of a turn is stored and can't be read. Nobody knows whether it was made. */
class LostCall extends Error {
  override readonly name = "LostCall";

  constructor() {
    super("a stored call of a tool can't be opened");
  }
}

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
export function sealedEnd(
  turn: Pick<WhichTurn, "id" | "ghost">,
  end: StepEnd | undefined,
  seal: Seal,
): readonly unknown[] {
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
   * The steps of a turn that a former process began. A model's step whose answer can't be opened counts as unanswered,
   * and the steps after it do not count, because they were based on it. Throws LostCall where there is a call among
   * these, or one that can't be opened.
   */
  async of(turn: WhichTurn): Promise<readonly TurnStep[]> {
    const { rows: all } = await this.#database.query<StepRow>(
      "select number, asked_of, state, answer, call, sealed_by from turn_steps where turn = $1 order by number",
      [turn.id],
    );
    const { rows, open } = await this.#seals.open(all);
    const read = (row: StepRow, what: "answer" | "call"): string | undefined => {
      const text = row[what];
      return text === null ? undefined : unlessBroken(() => open(row, text, ...contextOf(turn, row.number, what)));
    };
    const steps: TurnStep[] = [];
    for (const row of rows) {
      const step = row.number === steps.length + 1 ? stepOf(row, read(row, "answer"), read(row, "call")) : undefined;
      if (step === undefined) break;
      steps.push(step);
      if (step.state === "asked") break;
    }
    if (all.some(({ number, asked_of }) => asked_of === "tool" && number > steps.length)) throw new LostCall();
    return steps;
  }

  /** The records of a turn's steps, written under a lease. They throw StaleLease and DatabaseError. */
  recordsOf(lease: Lease, turn: WhichTurn): StepRecords {
    return {
      called: (model, calls) => this.#write(lease, turn, [model, ...calls]),
      begun: async ({ number }) => {
        await fencedAtOnce(this.#database, lease, (tx) =>
          tx.query("update turn_steps set state = 'running' where turn = $1 and number = $2", [turn.id, number]),
        );
      },
      ended: (step) => this.#write(lease, turn, [step]),
    };
  }

  /** Writes steps, all of their texts sealed by one key. */
  async #write(lease: Lease, turn: WhichTurn, steps: readonly TurnStep[]): Promise<void> {
    const { ghost, roomId } = turn;
    await fencedWithLast(
      this.#database,
      lease,
      (tx) => this.#seals.in(tx, { ghost, roomId }),
      (tx, seal) => {
        const rows = steps.map((step) => ({
          ...step,
          answer: "answer" in step ? seal.seal(JSON.stringify(step.answer), ...contextOf(turn, step.number)) : null,
          call: "call" in step ? seal.seal(JSON.stringify(step.call), ...contextOf(turn, step.number, "call")) : null,
        }));
        return tx.query(
          `insert into turn_steps (ghost, turn, number, asked_of, state, answer, call, sealed_by)
           select $1, $2, number, asked_of, state, answer, call, $3
             from unnest($4::integer[], $5::text[], $6::text[], $7::text[], $8::text[])
             as steps (number, asked_of, state, answer, call)
           on conflict (turn, number) do update
             set state = excluded.state, answer = excluded.answer, call = excluded.call, sealed_by = excluded.sealed_by`,
          [
            ghost,
            turn.id,
            seal.id,
            rows.map(({ number }) => number),
            rows.map(({ askedOf }) => askedOf),
            rows.map(({ state }) => state),
            rows.map(({ answer }) => answer),
            rows.map(({ call }) => call),
          ],
        );
      },
    );
  }

  /** Deletes the steps of ended turns, where a version without steps ended them. Returns their number. */
  async prune(signal?: AbortSignal): Promise<number> {
    const where = "turn in (select id from turns where state in ('answered', 'failed', 'cancelled'))";
    return deleteInBatches(this.#database, { from: "turn_steps", where, values: [] }, signal);
  }
}

/** The context that a text of a step is sealed with: see sealing/sealed-text.ts. */
function contextOf(
  { id, ghost }: Pick<WhichTurn, "id" | "ghost">,
  number: number,
  what: "answer" | "call" = "answer",
): string[] {
  return [`turn_steps.${what}`, ghost, String(id), String(number)];
}

/** A step as it was stored, with its opened texts; undefined where it can't be read. */
function stepOf(
  { number, asked_of, state }: StepRow,
  said: string | undefined,
  call: string | undefined,
): TurnStep | undefined {
  if (asked_of === "model") {
    const name = { number, askedOf: asked_of } as const;
    if (state === "asked" || said === undefined) return { ...name, state: "asked" };
    return { ...name, state, answer: JSON.parse(said) as unknown } as TurnStep;
  }
  if (call === undefined) return undefined;
  const step = { number, askedOf: asked_of, call: JSON.parse(call) as CallStep["call"] } as const;
  if (state === "proposed" || state === "running") return { ...step, state };
  return said === undefined ? undefined : ({ ...step, state, answer: JSON.parse(said) as unknown } as EndedCall);
}

interface StepRow extends SealedRow {
  number: number;
  asked_of: TurnStep["askedOf"];
  state: TurnStep["state"];
  answer: string | null;
  call: string | null;
}
