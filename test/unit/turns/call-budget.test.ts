import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, it } from "node:test";
import { limitReached } from "../../../src/answering/tool-rounds.ts";
import { withinBudget, type CallBudget } from "../../../src/turns/call-budget.ts";
import { takeSteps, type StepRecords, type StepWork } from "../../../src/turns/step-loop.ts";
import { FIRST_STEP, type ProposedCall, type TurnStep } from "../../../src/turns/turn-step.ts";

const NOBODY_ASKED = (): never => {
  throw new Error("these calls need nobody's word");
};

const RECORDS: StepRecords = {
  called: (_model, calls) => Promise.resolve(calls),
  waitingHere: () => Promise.resolve(0),
  asking: NOBODY_ASKED,
  asked: NOBODY_ASKED,
  lost: NOBODY_ASKED,
  askingBack: NOBODY_ASKED,
  begun: () => Promise.resolve(),
  ended: () => Promise.resolve(),
};

/** A turn whose model calls two tools at each step for as long as it may. */
async function take(
  budget: CallBudget,
  callMs = 0,
  how: Pick<ProposedCall, "mayRepeat" | "onlyReads"> = { mayRepeat: false },
): Promise<{ steps: TurnStep[]; made: number; asked: boolean[] }> {
  let made = 0;
  const asked: boolean[] = [];
  const work: StepWork = {
    ask: (_steps, mayCall) => {
      asked.push(mayCall);
      if (!mayCall) return Promise.resolve({ outcome: "answered", messages: [] });
      const calls = ["a", "b"].map((id) => ({
        id: `${id}${asked.length}`,
        name: "t",
        arguments: {},
        ...how,
      }));
      return Promise.resolve({ outcome: "calls", said: { text: "" }, calls });
    },
    sendQuestion: NOBODY_ASKED,
    timeIsOver: NOBODY_ASKED,
    ready: () =>
      Promise.resolve({
        may: "call",
        make: async () => {
          made++;
          if (callMs > 0) await sleep(callMs);
          return { answer: { text: "done", isError: false } };
        },
      }),
  };
  const steps: TurnStep[] = [FIRST_STEP];
  await takeSteps(steps, withinBudget(work, budget), RECORDS);
  return { steps, made, asked };
}

describe("the budget of a turn's calls", () => {
  it("counts calls that are made beside each other", async () => {
    const { made } = await take({ calls: 1, ms: 60_000 }, 0, { mayRepeat: true, onlyReads: true });
    assert.equal(made, 1);
  });

  it("refuses the call that is one too many, in words, and then the model has to speak", async () => {
    const { steps, made, asked } = await take({ calls: 3, ms: 60_000 });
    assert.equal(made, 3);
    assert.deepEqual(asked, [true, true, false]);
    assert.equal(limitReached(steps), "turn");
  });

  it("is not reached by the last call that it has room for", async () => {
    const { steps, made, asked } = await take({ calls: 4, ms: 60_000 });
    assert.equal(made, 4);
    assert.deepEqual(asked, [true, true, false]);
    assert.equal(limitReached(steps), undefined);
  });

  it("counts the time of all calls together", async () => {
    const { steps, made } = await take({ calls: 100, ms: 1 }, 5);
    assert.equal(made, 1);
    assert.equal(limitReached(steps), "turn");
  });
});
