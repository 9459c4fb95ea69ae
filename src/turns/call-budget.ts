import type { ReadyCall, StepWork } from "./step-loop.ts";
import type { CallResult, TurnStep } from "./turn-step.ts";

/** The limits of a turn's calls of tools. */
export interface CallBudget {
  readonly calls: number;
  /** The time of all its calls together, in ms, counted by one process: a crash begins it again. */
  readonly ms: number;
}

/** The result of a call that exceeds a limit of its turn, in words for the model. */
const NO_MORE: CallResult = {
  text: "Not done: this answer has used as many tools as it may. Answer with what you know.",
  isError: true,
  limit: "turn",
};

/** The same work within a budget: further calls are refused, and then the model has to speak. */
export function withinBudget(work: StepWork, { calls, ms }: CallBudget): StepWork {
  let spentMs = 0;
  /** The calls that are being made beside others, some of which the others' steps do not show yet. */
  const begun = new Set<number>();
  const isSpent = (made: number): boolean => made >= calls || spentMs >= ms;
  return {
    sendQuestion: (...question) => work.sendQuestion(...question),
    timeIsOver: (code) => work.timeIsOver(code),
    ask: (steps, mayCall) => work.ask(steps, mayCall && !isSpent(madeIn(steps))),
    ready: async (step, steps, isAhead): Promise<ReadyCall> => {
      // A call that is made again does not count twice.
      const others = steps.filter(({ number }) => number !== step.number);
      const beside = others.filter(({ number, state }) => state === "proposed" && begun.has(number)).length;
      if (isSpent(madeIn(others) + beside)) return { may: "refuse", answer: NO_MORE };
      const ready = await work.ready(step, steps, isAhead);
      if (ready.may !== "call") return ready;
      begun.add(step.number);
      return {
        may: "call",
        make: async () => {
          const from = performance.now();
          try {
            return await ready.make();
          } finally {
            spentMs += performance.now() - from;
          }
        },
      };
    },
  };
}

/** The number of calls so far, also those that were refused: a model that asks in vain for ever must end, too. */
function madeIn(steps: readonly TurnStep[]): number {
  return steps.filter((step) => step.askedOf === "tool" && step.state !== "proposed").length;
}
