import type { Database } from "../database/database.ts";
import type { SentEvent, StoredBeside } from "../ghost/form.ts";
import { fencedAtOnce, type Lease } from "../leases/leases.ts";
import type { Logger } from "../observability/log.ts";
import { questionStep } from "./call-code.ts";
import type { Delivery } from "./delivery.ts";
import { askUntil } from "./model-retries.ts";
import type { CallsWanted, ReadyCall, StepWork } from "./step-loop.ts";
import { outOfTime, proposedAgain, type OpenCall, type TurnStep } from "./turn-step.ts";
import type { TurnSteps } from "./turn-steps.ts";
import type { AnswerAttempt, TurnWork } from "./turn-work.ts";
import { idsOfTurn, type Turn, type TurnMessage, type TurnReply, type TurnStopped } from "./turn.ts";

/** The surroundings of the steps of a turn. */
export interface TurnStepOptions {
  readonly database: Database;
  readonly work: TurnWork;
  readonly delivery: Delivery;
  readonly lease: Lease;
  readonly turn: Turn;
  readonly log: Logger;
  /** The time for which an unreachable model server is asked again, in ms. */
  readonly retryForMs: number;
  /** Receives the answer so far. */
  readonly show: (text: string) => void;
  /** Ends what is under way. */
  readonly signal: AbortSignal;
}

/**
 * The steps of a turn that goes on. A call whose question a former process has stored, and may not have sent, is proposed
 * again: the same question is sent once more, or for the first time. Where the time for an answer is over, nobody has decided
 * about the calls that still wait.
 */
export async function stepsToGoOn(
  stored: Pick<TurnSteps, "of">,
  { turn, isLate }: { readonly turn: Turn; readonly isLate: boolean },
  work: Pick<TurnWork, "sent">,
): Promise<readonly TurnStep[]> {
  const steps = await stored.of(turn);
  const resumed = steps.map(async (step): Promise<TurnStep> => {
    if (step.state !== "waiting" || step.code === undefined) return step;
    const isSent = (await work.sent(turn, questionStep(step.code))) !== undefined;
    return isSent ? step : proposedAgain(step);
  });
  return outOfTime(await Promise.all(resumed), isLate);
}

/** The reply of a turn that was stopped while nobody, or a tool, was asked: the model's own words are its own reply. */
export async function stoppedReply(
  attempt: AnswerAttempt,
  steps: readonly TurnStep[],
  { keeps }: TurnStopped,
): Promise<TurnReply> {
  const running = steps.find((step) => step.state === "running");
  if (running?.askedOf === "tool" && keeps) return attempt.stoppedIn(running.call, steps);
  return { outcome: "stopped", messages: [], withdrawn: !keeps };
}

/** Asks the ones who are asked in the steps of a running turn: its model, its tools, and people. */
export class TurnStepWork implements StepWork {
  readonly #options: TurnStepOptions;
  /** By performance.now(). */
  readonly #deadline: number;
  #attempt: AnswerAttempt;

  constructor(first: AnswerAttempt, options: TurnStepOptions) {
    this.#attempt = first;
    this.#options = options;
    this.#deadline = performance.now() + options.retryForMs;
  }

  async ask(steps: readonly TurnStep[], mayCall: boolean): Promise<TurnReply | CallsWanted> {
    const { turn, work, show, signal, log } = this.#options;
    const again = { attempt: () => work.attempt(turn), log };
    const asking = { steps, mayCall, show, signal };
    const { attempt, got } = await askUntil(this.#deadline, turn, this.#attempt, asking, again);
    this.#attempt = attempt;
    return got.outcome === "calls" ? got : attempt.withFiles(got, steps);
  }

  async ready(step: OpenCall, steps: readonly TurnStep[], isAhead: boolean): Promise<ReadyCall> {
    const { show, signal } = this.#options;
    const ready = await this.#attempt.ready(step, { steps, signal, isAhead });
    if (ready.may !== "call") return ready;
    const underWay = await this.#attempt.underWay(steps, step.call);
    return {
      may: "call",
      make: () => {
        show(underWay);
        return ready.make();
      },
    };
  }

  sendQuestion(code: string, content: TurnMessage["content"], beside: StoredBeside): Promise<SentEvent> {
    const { delivery, turn } = this.#options;
    // A former process may have sent it.
    return delivery.send(turn, questionStep(code), { content }, { isFirst: false, beside });
  }

  async timeIsOver(code: string): Promise<void> {
    const { database, delivery, turn, lease, work, log } = this.#options;
    const step = questionStep(code);
    const question = await work.sent(turn, step);
    if (question === undefined) return;
    try {
      const content = await this.#attempt.timeIsOver(question);
      const { mark } = await delivery.send(turn, `${step} over`, { content }, { isFirst: false });
      if (mark !== undefined) await fencedAtOnce(database, lease, mark);
    } catch (error) {
      if (this.#options.signal.aborted || work.retryAfterMs(error) !== undefined) throw error;
      // The question stays as it is; the answer says the rest.
      log.warn({ ...idsOfTurn(turn), error }, "the end of a question's time could not be shown");
    }
  }
}
