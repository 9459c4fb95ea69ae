import type { TokenUsage, TurnReply } from "./turn.ts";

/**
 * A step of a turn: somebody is asked, and a result comes back. A step is written before it is asked, so that a process
 * that takes over a turn asks only the unanswered steps.
 *
 * ```
 * asked ──▶ answered
 *       └─▶ failed      (nothing came back, or not all of it)
 * ```
 */
export type TurnStep =
  | (StepName & { readonly state: "asked" })
  | (StepName & { readonly state: "answered"; readonly answer: Said })
  | (StepName & { readonly state: "failed"; readonly answer: Said & { readonly failure: string } });

/** The number of a step, and the one who is asked. */
interface StepName {
  /** From 1 without gaps. */
  readonly number: number;
  readonly askedOf: "model";
}

/** A model's words, and their tokens. */
interface Said {
  readonly text: string;
  readonly usage?: TokenUsage;
}

/** A step that must be asked, or asked again. */
type AskedStep = Extract<TurnStep, { state: "asked" }>;

/** The result of an ended step. */
export type StepEnd = Exclude<TurnStep, AskedStep>;

/** The consequence of a turn's steps so far: another step, or sending the turn. */
type NextStep = { readonly type: "ask"; readonly step: AskedStep } | { readonly type: "send" };

/** The first step of every turn. */
export const FIRST_STEP: AskedStep = { number: 1, askedOf: "model", state: "asked" };

/** Decides the next step of a turn: its model is asked once, and again where a crash came before its answer. */
export function nextStep(steps: readonly TurnStep[]): NextStep {
  const last = steps.at(-1) ?? FIRST_STEP;
  switch (last.state) {
    case "asked":
      return { type: "ask", step: last };
    case "answered":
    case "failed":
      return { type: "send" };
  }
}

/**
 * Takes the steps of a turn in order until it can be sent. Resolves with the result of the last one; undefined where no
 * step was left. Throws like `ask`.
 *
 * @param steps the steps so far; each ended step is recorded there.
 */
export async function takeSteps(
  steps: TurnStep[],
  ask: (step: AskedStep) => Promise<TurnReply>,
): Promise<TurnReply | undefined> {
  let reply: TurnReply | undefined;
  for (let next = nextStep(steps); next.type === "ask"; next = nextStep(steps)) {
    const { step } = next;
    reply = await ask(step);
    steps[step.number - 1] = endOf(step, reply);
  }
  return reply;
}

/** The result of the last step of a turn that is sent as `reply`, even if the step did not end by itself. */
export function lastEnd(steps: readonly TurnStep[], reply: TurnReply): StepEnd {
  const last = steps.at(-1) ?? FIRST_STEP;
  return last.state === "asked" ? endOf(last, reply) : last;
}

/** The result of a step whose turn is about to be sent as `reply`. */
function endOf({ number, askedOf }: AskedStep, reply: TurnReply): StepEnd {
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
