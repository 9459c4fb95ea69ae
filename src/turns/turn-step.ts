import type { CallFile } from "./call-file.ts";
import { openForm, type CallInput, type InputForm } from "./call-input.ts";
import type { TokenUsage, TurnReply } from "./turn.ts";

/**
 * A step of a turn: somebody is asked, and a result comes back. A step is written before anybody is asked, so that a
 * process that takes over a turn goes on where the rows end.
 *
 * ```
 * the model:  asked ──▶ answered       with words: the turn can be sent
 *                   ├─▶ called         with calls of tools: each is a step, and the model is asked again after them
 *                   └─▶ failed         nothing came back, or not all of it
 * a tool:     proposed ──▶ running ──▶ done
 *               │  ▲ └─▶ refused │
 *               │  ├─────────────┤ its server asks the person something, and is called again with the answer
 *               │  └─────────────┤ it broke off, or the process did, and nobody knows whether it was done: a person is asked
 *               ▼                └─▶ unknown   nobody can be asked
 *            waiting ─▶ approved ─▶ running
 *                   └─▶ declined ─▶ refused, or unknown
 * ```
 */
export type TurnStep = ModelStep | CallStep;

/** The model of a turn is asked. */
export type ModelStep = StepName<"model"> &
  (
    | { readonly state: "asked" }
    | { readonly state: "called"; readonly answer: Said }
    | { readonly state: "answered"; readonly answer: Said }
    | { readonly state: "failed"; readonly answer: Said & { readonly failure: string } }
  );

/** A tool is called. */
export type CallStep = StepName<"tool"> &
  CallFacts &
  (
    | { readonly state: "proposed" | "approved" | "declined" | "running" }
    | { readonly state: "waiting"; readonly call: ProposedCall & { readonly asked: AskedPerson } }
    | { readonly state: "done" | "refused" | "unknown"; readonly answer: CallResult }
  );

/** A call, and what people do with it. */
interface CallFacts {
  readonly call: ProposedCall;
  /** The letters by which people name it. Steps of former versions have none. */
  readonly code?: string;
  /** The person who has approved or declined it; where nobody has declined it, its time was over. */
  readonly decidedBy?: string;
}

/** The number of a step, from 1 without gaps, and the one who is asked. */
interface StepName<Who extends "model" | "tool"> {
  readonly number: number;
  readonly askedOf: Who;
}

/** A model's words, and their tokens. */
export interface Said {
  readonly text: string;
  readonly usage?: TokenUsage;
  /** The server's own form of thoughts before calls. */
  readonly kept?: string;
}

/** A call that a model wants, as it is stored. */
export interface ProposedCall {
  /** The model's server knows the call by it. */
  readonly id: string;
  /** The tool's name, as the model wrote it. */
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** The tool; undefined where there is no such one, or the call has a fault: then `refused` has the words for the model. */
  readonly tool?: {
    readonly server: string;
    readonly name: string;
    /** The hash of its definition. */
    readonly definition: string;
  };
  readonly refused?: string;
  /** Whether to make it twice is the same as to make it once. */
  readonly mayRepeat: boolean;
  /** It changes nothing, by the tool's own claim: it may be made beside others. */
  readonly onlyReads?: true;
  /** The model's server's own form of it. */
  readonly kept?: string;
  /** It was begun before, and nobody knows whether it was done. */
  readonly isLost?: true;
  /** The last question to people whether to make it. */
  readonly asked?: AskedPerson;
  /** What its server has asked the person, with the answers. */
  readonly input?: CallInput;
}

/** A question to people about a call. */
export interface AskedPerson {
  /** The people who decide: whoever asked the agent, and the room's moderators, or these alone. */
  readonly deciders: "asker" | "moderators";
  /** Whether a moderator may decide for all later calls. */
  readonly canGrant: boolean;
  /** Where they were told that the words go: an address, in the own network or outside. Questions of former versions have none. */
  readonly goesTo?: { readonly host: string; readonly to: "local" | "cloud" };
}

/** The result of a call, as the model reads it. */
export interface CallResult {
  readonly text: string;
  /** What follows, which was too long to be read at once. */
  readonly rest?: string;
  readonly isError: boolean;
  /** It was refused by a limit of calls: of the turn, or of the day. */
  readonly limit?: "turn" | "day";
  /** It was not made, because its server wants further rights of the person. She is asked for these once in a turn. */
  readonly wantsRights?: true;
  /** Its pictures and files that are sent with the answer; their contents are rows of `call_files`. */
  readonly files?: readonly CallFile[];
  /** The number of further ones, which are not sent, because there are too many. */
  readonly unsent?: number;
}

/** A call that was made: it has a result, its server asks the person something first, or nobody knows whether it was done. */
export type MadeCall =
  | { readonly isLost: true }
  | {
      readonly answer: CallResult;
      /** The contents of {@link CallResult.files}, in their order. */
      readonly contents?: readonly Uint8Array[];
    }
  | { readonly input: CallInput };

/** A step whose model must be asked, or asked again. */
export type AskedStep = Extract<ModelStep, { state: "asked" }>;

/** The result of the last step of a turn. */
export type StepEnd = Extract<ModelStep, { state: "answered" | "failed" }>;

/** A step of a call that is over. */
export type EndedCall = Extract<CallStep, { answer: CallResult }>;

/** A step of a call that waits for a person. */
export type WaitingCall = Extract<CallStep, { state: "waiting" }>;

/** A step of a call that is to be made, unless it is refused or has to be asked about. */
export type OpenCall = Exclude<CallStep, EndedCall | WaitingCall>;

/** The consequence of a turn's steps so far. */
export type NextStep =
  | { readonly type: "ask"; readonly step: AskedStep }
  | { readonly type: "call"; readonly step: OpenCall }
  /** An earlier call waits: a person is asked about this one, too, but it is not made yet. */
  | { readonly type: "look_ahead"; readonly step: OpenCall }
  /** Nobody knows the end of a call that may not be repeated. */
  | { readonly type: "unknown"; readonly step: OpenCall }
  | { readonly type: "declined"; readonly step: OpenCall }
  /** Nothing can be done before a person has decided. */
  | { readonly type: "wait" }
  | { readonly type: "send" };

/** The first step of every turn. */
export const FIRST_STEP: AskedStep = { number: 1, askedOf: "model", state: "asked" };

/**
 * Decides the next step of a turn. The model is asked, and again where a crash came before its answer; then its calls
 * are made one after the other, and it is asked again. A call that is found `running` was made by a process that ended.
 * People are asked about all calls of an answer at once, but a call is made only when those before it are over.
 *
 * @param held the numbers of calls that need nobody's word and wait for earlier ones.
 */
export function nextStep(steps: readonly TurnStep[], held: ReadonlySet<number> = NONE): NextStep {
  const calls = steps.filter((step) => step.askedOf === "tool");
  const declined = calls.find(({ state }) => state === "declined");
  if (declined !== undefined) return { type: "declined", step: declined as OpenCall };
  const next = calls.find((step) => !isEnded(step));
  if (next?.state === "waiting") {
    const ahead = calls.find(({ state, number }) => state === "proposed" && !held.has(number));
    return ahead === undefined ? { type: "wait" } : { type: "look_ahead", step: ahead as OpenCall };
  }
  if (next !== undefined && !isEnded(next))
    return next.state === "running" && !next.call.mayRepeat
      ? { type: "unknown", step: next }
      : { type: "call", step: next };
  const last = steps.at(-1) ?? FIRST_STEP;
  if (last.state === "answered" || last.state === "failed") return { type: "send" };
  if (last.state === "asked") return { type: "ask", step: last };
  return { type: "ask", step: { number: last.number + 1, askedOf: "model", state: "asked" } };
}

const NONE: ReadonlySet<number> = new Set();

/** The most calls of a turn that are made at once. */
export const MOST_AT_ONCE = 4;

/**
 * The calls that are made together with the next one: those right after it, as long as all of them only read. So each
 * still comes after every earlier call that may change something.
 */
export function madeTogether(steps: readonly TurnStep[], next: OpenCall): readonly OpenCall[] {
  const together = [next];
  for (const step of steps.slice(next.number)) {
    if (step.askedOf === "model" || !mayBeTogether(next) || together.length === MOST_AT_ONCE) break;
    if (isEnded(step)) continue;
    if (step.state === "waiting" || !mayBeTogether(step)) break;
    together.push(step);
  }
  return together;
}

function mayBeTogether({ call: { onlyReads, mayRepeat, isLost } }: OpenCall): boolean {
  return onlyReads === true && mayRepeat && isLost !== true;
}

/** A call that waits, as it was before people were asked about it. */
export function proposedAgain({ number, askedOf, call, code }: WaitingCall): OpenCall {
  return { number, askedOf, state: "proposed", call, ...(code === undefined ? {} : { code }) };
}

/** The question of a tool's server for whose answer a call waits; undefined where people decide whether it is made. */
export function askedBack({ call }: Pick<CallStep, "call">): InputForm | undefined {
  return openForm(call.input);
}

/** The steps of a turn with the calls that nobody has decided about in time, if it is over, as declined by nobody. */
export function outOfTime(steps: readonly TurnStep[], isOver: boolean): readonly TurnStep[] {
  if (!isOver) return steps;
  return steps.map((step) => (step.state === "waiting" ? { ...step, state: "declined" } : step));
}

function isEnded(step: CallStep): step is EndedCall {
  return step.state === "done" || step.state === "refused" || step.state === "unknown";
}

/** The result of the last step of a turn that is sent as `reply`, even if the step did not end by itself. */
export function lastEnd(steps: readonly TurnStep[], reply: TurnReply): StepEnd | undefined {
  const last = steps.at(-1) ?? FIRST_STEP;
  if (last.askedOf === "tool" || last.state === "called") return undefined;
  return last.state === "asked" ? endOf(last, reply) : last;
}

/** The result of a model's step whose turn is about to be sent as `reply`. */
export function endOf({ number, askedOf }: AskedStep, reply: TurnReply): StepEnd {
  const said = reply.messages
    .map((message) => message.remembered ?? "")
    .filter((text) => text !== "")
    .join("\n\n");
  const name = { number, askedOf };
  switch (reply.outcome) {
    case "answered": {
      const { usage } = reply;
      return { ...name, state: "answered", answer: { text: said, ...(usage === undefined ? {} : { usage }) } };
    }
    case "failed": {
      const { failure, partial = "" } = reply;
      return { ...name, state: "failed", answer: { text: said === "" ? partial : said, failure } };
    }
    case "stopped":
      return { ...name, state: "failed", answer: { text: said, failure: "stopped" } };
  }
}

/** The tokens of all steps of a turn and of its last answer; undefined where nothing was counted. */
export function wholeUsage(steps: readonly TurnStep[], last: TokenUsage | undefined): TokenUsage | undefined {
  const counts = steps.flatMap((step) => (step.state === "called" && step.answer.usage ? [step.answer.usage] : []));
  const all = last === undefined ? counts : [...counts, last];
  if (all.length === 0) return undefined;
  return {
    promptTokens: all.reduce((sum, { promptTokens }) => sum + promptTokens, 0),
    answerTokens: all.reduce((sum, { answerTokens }) => sum + answerTokens, 0),
  };
}
