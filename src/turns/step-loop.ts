import { reached } from "../observability/steps.ts";
import {
  endOf,
  nextStep,
  wholeUsage,
  type AskedStep,
  type CallResult,
  type CallStep,
  type EndedCall,
  type OpenCall,
  type ProposedCall,
  type Said,
  type TurnStep,
} from "./turn-step.ts";
import type { TurnReply } from "./turn.ts";

/** A model's answer with calls of tools. */
export interface CallsWanted {
  readonly outcome: "calls";
  readonly said: Said;
  /** At least one. */
  readonly calls: readonly ProposedCall[];
}

/** A call before it is made: refused with the model's words for it, or ready. */
export type ReadyCall =
  | { readonly may: "refuse"; readonly answer: CallResult }
  | { readonly may: "call"; readonly make: () => Promise<CallResult> };

/** The ones who are asked in steps. */
export interface StepWork {
  /**
   * Asks the model.
   *
   * @param mayCall whether it may call more tools.
   */
  ask(steps: readonly TurnStep[], mayCall: boolean): Promise<TurnReply | CallsWanted>;
  /** Makes a call ready: decides about it, and reaches its server. Nothing of the call is done before `make`. */
  ready(call: ProposedCall, steps: readonly TurnStep[]): Promise<ReadyCall>;
}

/** The rows of a turn's steps. Each change is committed before its promise resolves. */
export interface StepRecords {
  /** The model's step ends with calls, each of which is a step. */
  called(model: TurnStep, calls: readonly CallStep[]): Promise<void>;
  /** The call is about to be made. */
  begun(step: CallStep): Promise<void>;
  ended(step: EndedCall): Promise<void>;
}

/** The most calls of a turn, whatever its budget. */
export const MOST_CALLS = 100;

/** The words for the model about a call that is one too many, and about one whose end nobody knows. */
const NO_MORE = {
  text: "Not done: this answer has used as many tools as it may. Answer with what you know.",
  isError: true,
};
const UNKNOWN = {
  text: "It is not known whether this was done: the connection broke in the middle. Do not do it again. Say so in your answer.",
  isError: true,
};

/**
 * Takes the steps of a turn in order until it can be sent. Resolves with the reply; undefined where no step was left.
 * Throws like `work` and `records`.
 *
 * @param steps the steps so far; each change is made there, too.
 */
export async function takeSteps(
  steps: TurnStep[],
  work: StepWork,
  records: StepRecords,
): Promise<TurnReply | undefined> {
  for (let next = nextStep(steps); next.type !== "send"; next = nextStep(steps)) {
    if (next.type === "ask") {
      const reply = await ask(next.step, steps, work, records);
      if (reply !== undefined) return reply;
    } else if (next.type === "unknown") await end({ ...next.step, state: "unknown", answer: UNKNOWN }, steps, records);
    else await call(next.step, steps, work, records);
  }
  return undefined;
}

/** Asks the model. Resolves with its reply; undefined where it calls tools. */
async function ask(
  step: AskedStep,
  steps: TurnStep[],
  work: StepWork,
  records: StepRecords,
): Promise<TurnReply | undefined> {
  const made = steps.filter(({ askedOf }) => askedOf === "tool").length;
  const got = await work.ask(steps, made < MOST_CALLS);
  if (got.outcome !== "calls") {
    steps[step.number - 1] = endOf(step, got);
    if (got.outcome !== "answered") return got;
    const usage = wholeUsage(steps, got.usage);
    return usage === undefined ? got : { ...got, usage };
  }
  const model = { number: step.number, askedOf: "model", state: "called", answer: got.said } as const;
  const calls = got.calls.map((wanted, at): CallStep => {
    const isSurplus = made + at >= MOST_CALLS;
    const proposed = isSurplus ? { ...wanted, refused: NO_MORE.text } : wanted;
    return { number: step.number + 1 + at, askedOf: "tool", state: "proposed", call: proposed };
  });
  await records.called(model, calls);
  steps[step.number - 1] = model;
  steps.push(...calls);
  reached("step.proposed");
  return undefined;
}

async function call(step: OpenCall, steps: TurnStep[], work: StepWork, records: StepRecords): Promise<void> {
  const { refused } = step.call;
  const ready: ReadyCall =
    refused === undefined
      ? await work.ready(step.call, steps)
      : { may: "refuse", answer: { text: refused, isError: true } };
  if (ready.may === "refuse") {
    await end({ ...step, state: "refused", answer: ready.answer }, steps, records);
    return;
  }
  await records.begun({ ...step, state: "running" });
  reached("step.begun");
  const answer = await ready.make();
  reached("step.called");
  await end({ ...step, state: "done", answer }, steps, records);
}

async function end(step: EndedCall, steps: TurnStep[], records: StepRecords): Promise<void> {
  await records.ended(step);
  steps[step.number - 1] = step;
  reached("step.ended");
}
