import type { SentEvent, StoredBeside } from "../ghost/form.ts";
import { reached } from "../observability/steps.ts";
import type { CallInput } from "./call-input.ts";
import {
  askedBack,
  endOf,
  madeTogether,
  nextStep,
  wholeUsage,
  type AskedPerson,
  type AskedStep,
  type CallResult,
  type CallStep,
  type EndedCall,
  type MadeCall,
  type OpenCall,
  type ProposedCall,
  type Said,
  type TurnStep,
  type WaitingCall,
} from "./turn-step.ts";
import type { TurnMessage, TurnReply } from "./turn.ts";

/** A model's answer with calls of tools. */
export interface CallsWanted {
  readonly outcome: "calls";
  readonly said: Said;
  /** At least one. */
  readonly calls: readonly ProposedCall[];
}

/** A turn whose calls wait for a person. */
export interface Waits {
  readonly outcome: "waits";
}

/** A call before it is made: refused with the model's words for it, to be asked about, or ready, now or in its turn. */
export type ReadyCall =
  | { readonly may: "refuse"; readonly answer: CallResult }
  | { readonly may: "ask"; readonly asked: AskedPerson; readonly question: TurnMessage["content"] }
  | { readonly may: "hold" }
  | { readonly may: "call"; readonly make: () => Promise<MadeCall> };

/** The ones who are asked in steps. */
export interface StepWork {
  /**
   * Asks the model.
   *
   * @param mayCall whether it may call more tools.
   */
  ask(steps: readonly TurnStep[], mayCall: boolean): Promise<TurnReply | CallsWanted>;
  /**
   * Makes a call ready: decides about it, and reaches its server. Nothing of the call is done before `make`.
   *
   * @param isAhead whether earlier calls wait: then it is only decided about.
   */
  ready(step: OpenCall, steps: readonly TurnStep[], isAhead: boolean): Promise<ReadyCall>;
  /**
   * Sends a question about a call to the room, once for the same code.
   *
   * @param beside stored with the question, before it is sent.
   */
  sendQuestion(code: string, question: TurnMessage["content"], beside: StoredBeside): Promise<SentEvent>;
  /** Says at the question about a call that the time for an answer is over. */
  timeIsOver(code: string): Promise<void>;
}

/** The rows of a turn's steps. Each change is committed before its promise resolves. */
export interface StepRecords {
  /** The model's step ends with calls, each of which is a step. Resolves with these and their codes. */
  called(model: TurnStep, calls: readonly CallStep[]): Promise<readonly CallStep[]>;
  /** The number of calls in the turn's conversation that wait for a person. */
  waitingHere(): Promise<number>;
  /**
   * A person is asked about a call. It waits before the question is sent, so that no answer comes too early; the time for
   * the answer begins.
   */
  asking(step: WaitingCall): StoredBeside;
  /** The question was sent. */
  asked(sent: SentEvent): Promise<void>;
  /** A call whose end is not known is proposed again, under another code, as one about which people decide. Resolves with its step. */
  lost(step: OpenCall): Promise<OpenCall>;
  /** A call whose server asks the person something is proposed again, under another code. Resolves with its step. */
  askingBack(step: OpenCall, input: CallInput): Promise<OpenCall>;
  /** The call is about to be made. */
  begun(step: OpenCall): Promise<void>;
  /** @param contents the files of its result. */
  ended(step: EndedCall, contents?: readonly Uint8Array[]): Promise<void>;
}

/** The most calls of a turn, whatever its budget. */
export const MOST_CALLS = 100;

/** The most calls of a conversation that wait for a person. People lose the overview of more. */
export const MOST_WAITING = 3;

/** The words for the model about calls that are not made. */
const NO_MORE = failed("Not done: this answer has used as many tools as it may. Answer with what you know.");
const TOO_MANY_WAIT = failed(
  "Not done: people have to agree to this first, and too many calls wait for that already. Go on without it.",
);
const DECLINED = failed("Not done: a person has refused this. Do not try it again, unless you are asked to.");
const TIMED_OUT = failed(
  "Not done: people have to agree to this first, and nobody did in time. Say so in your answer.",
);
const UNANSWERED = failed(
  "Not done: the tool has asked the person something first, and got no answer in time. Say so in your answer.",
);
const UNKNOWN = failed(
  "It is not known whether this was done: it broke off in the middle. Do not do it again. Say so in your answer.",
);

/**
 * Takes the steps of a turn in order until it can be sent, or has to wait for a person. Resolves with the reply;
 * undefined where no step was left. Throws like `work` and `records`.
 *
 * @param steps the steps so far; each change is made there, too.
 */
export async function takeSteps(
  steps: TurnStep[],
  work: StepWork,
  records: StepRecords,
): Promise<TurnReply | Waits | undefined> {
  const held = new Set<number>();
  for (let next = nextStep(steps); next.type !== "send"; next = nextStep(steps, held)) {
    switch (next.type) {
      case "wait":
        return { outcome: "waits" };
      case "ask": {
        const reply = await ask(next.step, steps, work, records);
        if (reply !== undefined) return reply;
        break;
      }
      case "call":
        await callTogether(madeTogether(steps, next.step), steps, work, records);
        break;
      case "look_ahead":
        await lookAhead(next.step, steps, work, records, held);
        break;
      case "declined":
        await declined(next.step, steps, work, records);
        break;
      case "unknown":
        steps[next.step.number - 1] = await records.lost(next.step);
        break;
    }
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
  const stored = await records.called(model, calls);
  steps[step.number - 1] = model;
  steps.push(...stored);
  reached("step.proposed");
  return undefined;
}

/** Makes calls beside each other. They are decided about in their order, and before any of their results is known. */
async function callTogether(
  together: readonly OpenCall[],
  steps: TurnStep[],
  work: StepWork,
  records: StepRecords,
): Promise<void> {
  const before = together.length === 1 ? steps : [...steps];
  const made: Promise<void>[] = [];
  try {
    for (const step of together) {
      const ready = await readyOf(step, before, work, false);
      if (ready.may === "call") {
        const making = make(step, ready, steps, records);
        // Its failure is told below.
        making.catch(() => undefined);
        made.push(making);
      } else {
        await unmade(step, ready, steps, work, records);
        // What follows is not made before people have decided.
        if (ready.may === "ask") break;
      }
    }
  } finally {
    // The turn does not go on, nor end, while one of them is under way.
    await Promise.allSettled(made);
  }
  await Promise.all(made);
}

/** Asks a person about a call behind others that wait, or refuses it; one that needs nobody's word is noted in `held`. */
async function lookAhead(
  step: OpenCall,
  steps: TurnStep[],
  work: StepWork,
  records: StepRecords,
  held: Set<number>,
): Promise<void> {
  const ready = await readyOf(step, steps, work, true);
  if (ready.may === "hold") held.add(step.number);
  else if (ready.may !== "call") await unmade(step, ready, steps, work, records);
}

async function readyOf(
  step: OpenCall,
  steps: readonly TurnStep[],
  work: StepWork,
  isAhead: boolean,
): Promise<ReadyCall> {
  const { refused } = step.call;
  return refused === undefined ? work.ready(step, steps, isAhead) : { may: "refuse", answer: failed(refused) };
}

/** A call that is not made, or not yet. */
async function unmade(
  step: OpenCall,
  ready: Exclude<ReadyCall, { may: "call" }>,
  steps: TurnStep[],
  work: StepWork,
  records: StepRecords,
): Promise<void> {
  if (ready.may === "ask") await askPerson(step, ready, steps, work, records);
  if (ready.may !== "refuse") return;
  if (step.call.isLost === true) await end({ ...step, state: "unknown", answer: UNKNOWN }, steps, records);
  else await end({ ...step, state: "refused", answer: ready.answer }, steps, records);
}

async function make(
  step: OpenCall,
  ready: Extract<ReadyCall, { may: "call" }>,
  steps: TurnStep[],
  records: StepRecords,
): Promise<void> {
  await records.begun(step);
  steps[step.number - 1] = { ...step, state: "running" };
  reached("step.begun");
  const made = await ready.make();
  reached("step.called");
  if ("isLost" in made) steps[step.number - 1] = await records.lost(step);
  else if ("input" in made) {
    steps[step.number - 1] = await records.askingBack(step, made.input);
    reached("step.asking_back");
  } else await end({ ...step, state: "done", answer: made.answer }, steps, records, made.contents);
}

/** Asks a person about a call, unless too many wait. */
async function askPerson(
  step: OpenCall,
  { asked, question }: Extract<ReadyCall, { may: "ask" }>,
  steps: TurnStep[],
  work: StepWork,
  records: StepRecords,
): Promise<void> {
  const { code } = step;
  if (code === undefined || (await records.waitingHere()) >= MOST_WAITING) {
    if (step.call.isLost === true) await end({ ...step, state: "unknown", answer: UNKNOWN }, steps, records);
    else await end({ ...step, state: "refused", answer: TOO_MANY_WAIT }, steps, records);
    return;
  }
  const waiting: WaitingCall = { ...step, state: "waiting", call: { ...step.call, asked } };
  const sent = await work.sendQuestion(code, question, records.asking(waiting));
  reached("step.asked");
  await records.asked(sent);
  steps[step.number - 1] = waiting;
  reached("step.waiting");
}

/** Ends a call that a person has declined, or that nobody has decided about in time. */
async function declined(step: OpenCall, steps: TurnStep[], work: StepWork, records: StepRecords): Promise<void> {
  const isUnanswered = askedBack(step) !== undefined;
  const isTimedOut = isUnanswered || step.decidedBy === undefined;
  if (isTimedOut && step.code !== undefined) await work.timeIsOver(step.code);
  const answer = isUnanswered ? UNANSWERED : isTimedOut ? TIMED_OUT : DECLINED;
  if (step.call.isLost === true) await end({ ...step, state: "unknown", answer: UNKNOWN }, steps, records);
  else await end({ ...step, state: "refused", answer }, steps, records);
}

async function end(
  step: EndedCall,
  steps: TurnStep[],
  records: StepRecords,
  contents?: readonly Uint8Array[],
): Promise<void> {
  await records.ended(step, contents);
  steps[step.number - 1] = step;
  reached("step.ended");
}

function failed(text: string): CallResult {
  return { text, isError: true };
}
