import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TurnReply } from "../../../src/turns/turn.ts";
import { FIRST_STEP, lastEnd, nextStep, takeSteps, type TurnStep } from "../../../src/turns/turn-step.ts";

const REPLY: TurnReply = {
  outcome: "answered",
  messages: [
    { content: { body: "One." }, remembered: "One." },
    { content: { body: "Two." }, remembered: "Two." },
  ],
  usage: { promptTokens: 7, answerTokens: 2 },
};
const FAILED: TurnReply = {
  outcome: "failed",
  failure: "busy",
  messages: [{ content: { body: "Later." } }],
  partial: "Wel",
};

describe("the steps of a turn", () => {
  it("begin with the model, which is asked again until it has answered", () => {
    assert.deepEqual(nextStep([]), { type: "ask", step: FIRST_STEP });
    assert.deepEqual(nextStep([FIRST_STEP]), { type: "ask", step: FIRST_STEP });
  });

  it("end with its answer, and with its failure", () => {
    assert.deepEqual(nextStep([lastEnd([FIRST_STEP], REPLY)]), { type: "send" });
    assert.deepEqual(nextStep([lastEnd([FIRST_STEP], FAILED)]), { type: "send" });
  });

  it("keep the result of each", async () => {
    const steps: TurnStep[] = [];
    assert.equal(await takeSteps(steps, () => Promise.resolve(REPLY)), REPLY);
    const answer = { text: "One.\n\nTwo.", usage: { promptTokens: 7, answerTokens: 2 } };
    assert.deepEqual(steps, [{ number: 1, askedOf: "model", state: "answered", answer }]);
    assert.deepEqual(lastEnd([FIRST_STEP], FAILED), {
      number: 1,
      askedOf: "model",
      state: "failed",
      answer: { text: "Wel", failure: "busy" },
    });
    const stopped = lastEnd([FIRST_STEP], { outcome: "stopped", messages: [] });
    assert.deepEqual(stopped.answer, { text: "", failure: "stopped" });
  });

  it("ask nobody again who has answered", async () => {
    const steps: TurnStep[] = [lastEnd([FIRST_STEP], REPLY)];
    assert.equal(await takeSteps(steps, () => Promise.reject(new Error("asked"))), undefined);
    assert.equal(lastEnd(steps, FAILED), steps[0]);
  });

  it("stay open where asking throws", async () => {
    const steps: TurnStep[] = [FIRST_STEP];
    await assert.rejects(
      takeSteps(steps, () => Promise.reject(new Error("no database"))),
      /no database/,
    );
    assert.deepEqual(steps, [FIRST_STEP]);
  });
});
