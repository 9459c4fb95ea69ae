import type { TokenUsage, TurnReply } from "./turn.ts";

/**
 * A step of a turn: somebody is asked, and something comes back. A step is written before it is asked, so that a process that
 * takes up a turn of a former one asks only what was not answered.
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

/** Which step it is, and who is asked in it. */
interface StepName {
  /** From 1 without a gap. */
  readonly number: number;
  readonly askedOf: "model";
}

/** The words that a model said, and the tokens that they took. */
interface Said {
  readonly text: string;
  readonly usage?: TokenUsage;
}

/** A step that is to be asked, or asked anew. */
type AskedStep = Extract<TurnStep, { state: "asked" }>;

/** What a step that has ended came to. */
export type StepEnd = Exclude<TurnStep, AskedStep>;

/** What follows from the steps of a turn so far: another one, or nothing, when the turn can be sent. */
type NextStep = { readonly type: "ask"; readonly step: AskedStep } | { readonly type: "send" };

/** The step with which every turn begins. */
export const FIRST_STEP: AskedStep = { number: 1, askedOf: "model", state: "asked" };

/** Decides the next step of a turn: its model is asked once, and anew where a crash came before its answer. */
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
 * Takes the steps of a turn, one after the other, until it can be sent. Resolves with what came of the last one, and throws as
 * `ask` does; undefined where no step was left to take.
 *
 * @param steps those so far; each step that ends is noted there.
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

/** What the last step of a turn came to that is sent as `reply`, though the step may not have ended by itself. */
export function lastEnd(steps: readonly TurnStep[], reply: TurnReply): StepEnd {
  const last = steps.at(-1) ?? FIRST_STEP;
  return last.state === "asked" ? endOf(last, reply) : last;
}

/** What a step came to whose turn is about to be sent as `reply`. */
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
