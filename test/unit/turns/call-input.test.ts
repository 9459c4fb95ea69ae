import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  mayAskAgain,
  MOST_ROUNDS,
  openForm,
  responsesTo,
  withAnswer,
  type CallInput,
} from "../../../src/turns/call-input.ts";

const INPUT: CallInput = {
  forms: ["a", "b"].map((key) => ({ key, message: key, fields: [] })),
  declined: ["page"],
  round: 1,
  goesTo: { host: "tools.a", to: "local" },
};
const YES = { action: "accept", content: {} } as const;
const NO = { action: "decline" } as const;

describe("what a server asks in the middle of a call", () => {
  it("is answered question by question", () => {
    assert.equal(openForm(INPUT)?.key, "a");
    const half = withAnswer(INPUT, YES);
    assert.equal(openForm(half)?.key, "b");
    const whole = withAnswer(half, YES);
    assert.equal(openForm(whole), undefined);
    assert.deepEqual(responsesTo(whole), { a: YES, b: YES, page: NO });
    assert.equal(openForm(undefined), undefined);
  });

  it("is not asked further once somebody has declined", () => {
    const declined = withAnswer(withAnswer(INPUT, YES), NO);
    assert.deepEqual(responsesTo(declined), { a: YES, b: NO, page: NO });
    assert.deepEqual(responsesTo(withAnswer(INPUT, NO)), { a: NO, b: NO, page: NO });
    assert.equal(mayAskAgain(declined), false);
  });

  it("is not asked for ever", () => {
    const answered = withAnswer(withAnswer(INPUT, YES), YES);
    assert.equal(mayAskAgain(undefined), true);
    assert.equal(mayAskAgain(answered), true);
    assert.equal(mayAskAgain({ ...answered, round: MOST_ROUNDS }), false);
  });
});
