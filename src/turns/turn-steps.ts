import { deleteInBatches } from "../database/batches.ts";
import { AuditLog } from "../audit/audit-log.ts";
import { DatabaseError, type Database, type Queryable } from "../database/database.ts";
import { fencedAtOnce, fencedWithLast, type Lease } from "../leases/leases.ts";
import { unlessBroken } from "../sealing/sealed-text.ts";
import type { Seal, SealedRow, Seals } from "../sealing/seals.ts";
import { newCode } from "./call-code.ts";
import { openForm, type CallInput } from "./call-input.ts";
import { putCallFiles } from "./call-files.ts";
import type { StepRecords } from "./step-loop.ts";
import { noteEvent } from "./turn-rows.ts";
import {
  FIRST_STEP,
  type CallStep,
  type EndedCall,
  type OpenCall,
  type Said,
  type StepEnd,
  type TurnStep,
  type WaitingCall,
} from "./turn-step.ts";
import type { Turn } from "./turn.ts";

/** The turn that steps belong to. */
type WhichTurn = Pick<Turn, "id" | "ghost" | "roomId" | "threadRoot">;

/** The SQLSTATE of a row that exists already. */
const EXISTS = "23505";

/** The most attempts to find codes that no other open call has. */
const MOST_CODES = 5;

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
  readonly #audit: AuditLog;

  constructor(database: Database, seals: Seals) {
    this.#database = database;
    this.#seals = seals;
    this.#audit = new AuditLog(database);
  }

  /**
   * The steps of a turn that a former process began. A model's step whose answer can't be opened counts as unanswered,
   * and the steps after it do not count, because they were based on it. Throws LostCall where there is a call among
   * these, or one that can't be opened.
   */
  async of(turn: WhichTurn): Promise<readonly TurnStep[]> {
    const { rows: all } = await this.#database.query<StepRow>(
      `select number, asked_of, state, answer, call, sealed_by, code, decided_by from turn_steps
       where turn = $1 order by number`,
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

  /** The words of a model's step in which it called tools; empty where they can't be opened any more. */
  async words(
    tx: Queryable,
    turn: Pick<WhichTurn, "id" | "ghost">,
    row: SealedRow & { readonly number: number; readonly answer: string },
  ): Promise<string> {
    const { rows, open } = await this.#seals.open([row], tx);
    if (rows.length === 0) return "";
    const said = unlessBroken(() => open(row, row.answer, ...contextOf(turn, row.number)));
    return said === undefined ? "" : (JSON.parse(said) as Said).text.trim();
  }

  /**
   * The records of a turn's steps, written under a lease. They throw StaleLease and DatabaseError.
   *
   * @param waitsForMs the time for which people may answer, from the last question on.
   */
  recordsOf(lease: Lease, turn: WhichTurn, waitsForMs: number): StepRecords {
    return {
      called: (model, calls) => this.#withCodes(calls, (coded) => this.#write(lease, turn, [model, ...coded])),
      waitingHere: () => this.#waitingIn(turn),
      asking: (step) => ({
        scopes: [{ ghost: turn.ghost, roomId: turn.roomId }],
        store: (tx, [seal]) => {
          if (seal === undefined) throw new Error("there is no seal for a call");
          const waits = "update turns set waits_until = now() + $2 * interval '1 ms' where id = $1";
          return Promise.all([putSteps(tx, seal, turn, [step]), tx.query(waits, [turn.id, waitsForMs])]);
        },
      }),
      asked: async ({ eventId, mark }) => {
        await fencedAtOnce(this.#database, lease, (tx) => Promise.all([mark?.(tx), noteEvent(tx, turn, eventId)]));
      },
      lost: ({ number, askedOf, call }) =>
        this.#proposeAgain(lease, turn, { number, askedOf, state: "proposed", call: { ...call, isLost: true } }),
      // Whoever has agreed to the call has agreed to it still.
      askingBack: (step, input) =>
        this.#proposeAgain(lease, turn, { ...step, state: "proposed", call: { ...step.call, input } }),
      begun: async ({ number }) => {
        await fencedAtOnce(this.#database, lease, (tx) =>
          tx.query("update turn_steps set state = 'running' where turn = $1 and number = $2", [turn.id, number]),
        );
      },
      ended: (step, contents = []) =>
        this.#write(lease, turn, [step], (tx, seal) => this.#putFiles(tx, seal, turn, step, contents)),
    };
  }

  /** Writes a call under another code, so that a word that was held back counts for nothing. */
  async #proposeAgain(lease: Lease, turn: WhichTurn, step: OpenCall): Promise<OpenCall> {
    const [coded = step] = await this.#withCodes([step], (steps) => this.#write(lease, turn, steps));
    return coded;
  }

  /**
   * Writes the person's answer to the question of a call's server; the next question, if there is one, has another code. The
   * caller holds the lock of the turn's row.
   */
  async answered(tx: Queryable, turn: WhichTurn, step: WaitingCall, input: CallInput): Promise<void> {
    const call = { ...step.call, input };
    const hasMore = openForm(input) !== undefined;
    const next: OpenCall = hasMore
      ? { ...step, state: "proposed", call, code: newCode() }
      : { ...step, state: "approved", call };
    const seal = await this.#seals.in(tx, { ghost: turn.ghost, roomId: turn.roomId });
    await putSteps(tx, seal, turn, [next]);
  }

  /** The number of calls of a conversation that wait for a person. */
  async #waitingIn({ ghost, roomId, threadRoot }: WhichTurn): Promise<number> {
    const { rows } = await this.#database.query<{ waiting: number }>(
      `select count(*)::integer as waiting from turn_steps join turns on turns.id = turn
       where turn_steps.ghost = $1 and turn_steps.state = 'waiting'
         and room_id = $2 and thread_root is not distinct from $3`,
      [ghost, roomId, threadRoot ?? null],
    );
    return rows[0]?.waiting ?? 0;
  }

  /** Writes calls under codes that no other open call of the ghost has. */
  async #withCodes<Step extends CallStep>(
    calls: readonly Step[],
    write: (coded: readonly Step[]) => Promise<void>,
  ): Promise<readonly Step[]> {
    for (let attempt = 1; ; attempt++) {
      const coded = calls.map((step) => ({ ...step, code: newCode() }));
      try {
        await write(coded);
        return coded;
      } catch (error) {
        if (!(error instanceof DatabaseError) || error.code !== EXISTS || attempt === MOST_CODES) throw error;
      }
    }
  }

  /** Writes the files of a result, and into the audit log that there were some. It starts its statements at once. */
  #putFiles(
    tx: Queryable,
    seal: Seal,
    turn: WhichTurn,
    { number, call: { tool } }: EndedCall,
    contents: readonly Uint8Array[],
  ): Promise<unknown> {
    if (tool === undefined || contents.length === 0) return Promise.resolve();
    const { ghost, roomId: room } = turn;
    const { server, name } = tool;
    const bytes = contents.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const entry = { kind: "tool.files", ghost, room, server, tool: name, files: contents.length, bytes } as const;
    return Promise.all([putCallFiles(tx, seal, turn, number, contents), this.#audit.record(tx, entry)]);
  }

  /**
   * Writes steps, all of their texts sealed by one key.
   *
   * @param beside writes more in the same transaction, and starts its statements at once.
   */
  async #write(
    lease: Lease,
    turn: WhichTurn,
    steps: readonly TurnStep[],
    beside?: (tx: Queryable, seal: Seal) => Promise<unknown>,
  ): Promise<void> {
    const { ghost, roomId } = turn;
    await fencedWithLast(
      this.#database,
      lease,
      (tx) => this.#seals.in(tx, { ghost, roomId }),
      (tx, seal) => Promise.all([putSteps(tx, seal, turn, steps), beside?.(tx, seal)]),
    );
  }

  /** Deletes the steps of ended turns, where a version without steps ended them. Returns their number. */
  async prune(signal?: AbortSignal): Promise<number> {
    const where = "turn in (select id from turns where state in ('answered', 'failed', 'cancelled'))";
    return deleteInBatches(this.#database, { from: "turn_steps", where, values: [] }, signal);
  }
}

/** Writes steps in place of their former states. It starts its only statement at once. */
async function putSteps(tx: Queryable, seal: Seal, turn: WhichTurn, steps: readonly TurnStep[]): Promise<void> {
  const rows = steps.map((step) => ({
    ...step,
    answer: "answer" in step ? seal.seal(JSON.stringify(step.answer), ...contextOf(turn, step.number)) : null,
    call: "call" in step ? seal.seal(JSON.stringify(step.call), ...contextOf(turn, step.number, "call")) : null,
    code: ("code" in step ? step.code : undefined) ?? null,
    decidedBy: ("decidedBy" in step ? step.decidedBy : undefined) ?? null,
  }));
  await tx.query(
    `insert into turn_steps (ghost, turn, number, asked_of, state, answer, call, sealed_by, code, decided_by)
     select $1, $2, number, asked_of, state, answer, call, $3, code, decided_by
       from unnest($4::integer[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
       as steps (number, asked_of, state, answer, call, code, decided_by)
     on conflict (turn, number) do update
       set state = excluded.state, answer = excluded.answer, call = excluded.call, sealed_by = excluded.sealed_by,
         code = excluded.code, decided_by = excluded.decided_by`,
    [
      turn.ghost,
      turn.id,
      seal.id,
      rows.map(({ number }) => number),
      rows.map(({ askedOf }) => askedOf),
      rows.map(({ state }) => state),
      rows.map(({ answer }) => answer),
      rows.map(({ call }) => call),
      rows.map(({ code }) => code),
      rows.map(({ decidedBy }) => decidedBy),
    ],
  );
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
  { number, asked_of, state, code, decided_by: decidedBy }: StepRow,
  said: string | undefined,
  call: string | undefined,
): TurnStep | undefined {
  if (asked_of === "model") {
    const name = { number, askedOf: asked_of } as const;
    if (state === "asked" || said === undefined) return { ...name, state: "asked" };
    return { ...name, state, answer: JSON.parse(said) as unknown } as TurnStep;
  }
  if (call === undefined) return undefined;
  const step = {
    number,
    askedOf: asked_of,
    call: JSON.parse(call) as CallStep["call"],
    ...(code === null ? {} : { code }),
    ...(decidedBy === null ? {} : { decidedBy }),
  } as const;
  if (state !== "done" && state !== "refused" && state !== "unknown") return { ...step, state } as CallStep;
  return said === undefined ? undefined : ({ ...step, state, answer: JSON.parse(said) as unknown } as EndedCall);
}

interface StepRow extends SealedRow {
  number: number;
  asked_of: TurnStep["askedOf"];
  state: TurnStep["state"];
  answer: string | null;
  call: string | null;
  code: string | null;
  decided_by: string | null;
}
