import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TurnReply } from "../../../src/turns/turn.ts";
import { MOST_CALLS, takeSteps, type CallsWanted, type StepRecords } from "../../../src/turns/step-loop.ts";
import {
  endOf,
  FIRST_STEP,
  lastEnd,
  nextStep,
  wholeUsage,
  type CallStep,
  type ProposedCall,
  type TurnStep,
} from "../../../src/turns/turn-step.ts";

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
const SAID = { text: "I look.", usage: { promptTokens: 5, answerTokens: 3 } };
const CALLED: TurnStep = { number: 1, askedOf: "model", state: "called", answer: SAID };
const RESULT = { text: "Found.", isError: false };

function call(id: string, more: Partial<ProposedCall> = {}): ProposedCall {
  const tool = { server: "files", name: "read", definition: "h" };
  return { id, name: "files__read", arguments: {}, tool, mayRepeat: false, ...more };
}

function step(number: number, state: "proposed" | "running" | "done", more: Partial<ProposedCall> = {}): CallStep {
  const name = { number, askedOf: "tool", call: call(`c${number}`, more) } as const;
  return state === "done" ? { ...name, state, answer: RESULT } : { ...name, state };
}

describe("the steps of a turn", () => {
  it("begin with the model, which is asked again until it has answered", () => {
    assert.deepEqual(nextStep([]), { type: "ask", step: FIRST_STEP });
    assert.deepEqual(nextStep([FIRST_STEP]), { type: "ask", step: FIRST_STEP });
  });

  it("end with its answer, and with its failure", () => {
    assert.deepEqual(nextStep([endOf(FIRST_STEP, REPLY)]), { type: "send" });
    assert.deepEqual(nextStep([endOf(FIRST_STEP, FAILED)]), { type: "send" });
  });

  it("keep the result of each", () => {
    const answer = { text: "One.\n\nTwo.", usage: { promptTokens: 7, answerTokens: 2 } };
    assert.deepEqual(endOf(FIRST_STEP, REPLY), { number: 1, askedOf: "model", state: "answered", answer });
    const failed = { number: 1, askedOf: "model", state: "failed", answer: { text: "Wel", failure: "busy" } };
    assert.deepEqual(lastEnd([FIRST_STEP], FAILED), failed);
    const stopped = lastEnd([FIRST_STEP], { outcome: "stopped", messages: [] });
    assert.deepEqual(stopped?.answer, { text: "", failure: "stopped" });
    assert.equal(lastEnd([endOf(FIRST_STEP, REPLY)], FAILED)?.state, "answered");
    assert.equal(lastEnd([CALLED, step(2, "running")], FAILED), undefined);
  });

  it("go on with the calls in their order, and then with the model again", () => {
    const first = step(2, "proposed");
    assert.deepEqual(nextStep([CALLED, first, step(3, "proposed")]), { type: "call", step: first });
    const second = step(3, "proposed");
    assert.deepEqual(nextStep([CALLED, step(2, "done"), second]), { type: "call", step: second });
    const again = { number: 4, askedOf: "model", state: "asked" };
    assert.deepEqual(nextStep([CALLED, step(2, "done"), step(3, "done")]), { type: "ask", step: again });
    // A model that called nothing in the end has lost its calls: it is asked again.
    assert.deepEqual(nextStep([CALLED]), { type: "ask", step: { number: 2, askedOf: "model", state: "asked" } });
  });

  it("repeat a call that a process has left only where that is the same as making it once", () => {
    const once = step(2, "running");
    assert.deepEqual(nextStep([CALLED, once]), { type: "unknown", step: once });
    const repeatable = step(2, "running", { mayRepeat: true });
    assert.deepEqual(nextStep([CALLED, repeatable]), { type: "call", step: repeatable });
  });

  it("count the tokens of all together", () => {
    assert.deepEqual(wholeUsage([CALLED, step(2, "done"), CALLED], REPLY.usage), { promptTokens: 17, answerTokens: 8 });
    assert.deepEqual(wholeUsage([], undefined), undefined);
  });
});

/** A turn whose steps are taken, with all that happens to it in order. */
class Taken {
  readonly events: string[] = [];
  answers: (TurnReply | CallsWanted)[] = [];
  may: "call" | "refuse" = "call";
  fails: string | undefined;

  async take(steps: TurnStep[]): Promise<TurnReply | undefined> {
    const records: StepRecords = {
      called: (model, calls) => this.#note(`called ${model.number}: ${calls.map(({ number }) => number).join()}`),
      begun: ({ number }) => this.#note(`begun ${number}`),
      ended: ({ number, state }) => this.#note(`${state} ${number}`),
    };
    return takeSteps(
      steps,
      {
        ask: async (soFar, mayCall) => {
          await this.#note(`asked after ${soFar.length}${mayCall ? "" : " at last"}`);
          const answer = this.answers.shift();
          assert.ok(answer);
          return answer;
        },
        ready: async ({ id }) => {
          await this.#note(`ready ${id}`);
          if (this.may === "refuse") return { may: "refuse", answer: { text: "No.", isError: true } };
          return {
            may: "call",
            make: async () => {
              await this.#note(`made ${id}`);
              return RESULT;
            },
          };
        },
      },
      records,
    );
  }

  #note(event: string): Promise<void> {
    if (event === this.fails) return Promise.reject(new Error("no database"));
    this.events.push(event);
    return Promise.resolve();
  }
}

const wanted = (...calls: readonly ProposedCall[]): CallsWanted => ({ outcome: "calls", said: SAID, calls });

describe("a turn", () => {
  it("asks its model once where it calls nothing, and writes no step", async () => {
    const turn = new Taken();
    turn.answers = [REPLY];
    const steps: TurnStep[] = [FIRST_STEP];
    assert.deepEqual(await turn.take(steps), REPLY);
    assert.deepEqual(turn.events, ["asked after 1"]);
    assert.deepEqual(steps, [endOf(FIRST_STEP, REPLY)]);
  });

  it("writes each call before it is made, and its result before the next", async () => {
    const turn = new Taken();
    turn.answers = [wanted(call("a"), call("b")), REPLY];
    const reply = await turn.take([FIRST_STEP]);
    assert.deepEqual(turn.events, [
      "asked after 1",
      "called 1: 2,3",
      "ready a",
      "begun 2",
      "made a",
      "done 2",
      "ready b",
      "begun 3",
      "made b",
      "done 3",
      "asked after 3",
    ]);
    assert.ok(reply?.outcome === "answered");
    assert.deepEqual(reply.usage, { promptTokens: 12, answerTokens: 5 });
  });

  it("makes no call that is refused, or that has a fault, and tells the model", async () => {
    const turn = new Taken();
    turn.may = "refuse";
    turn.answers = [wanted(call("a"), call("b", { refused: "No such tool." })), REPLY];
    const steps: TurnStep[] = [FIRST_STEP];
    await turn.take(steps);
    assert.deepEqual(turn.events.slice(2, -1), ["ready a", "refused 2", "refused 3"]);
    assert.deepEqual(
      steps.slice(1, 3).map((one) => "answer" in one && one.answer),
      [
        { text: "No.", isError: true },
        { text: "No such tool.", isError: true },
      ],
    );
  });

  it("goes on where a former process ended, with what is stored", async () => {
    const after: readonly (readonly [TurnStep[], readonly string[]])[] = [
      [
        [CALLED, step(2, "proposed")],
        ["ready c2", "begun 2", "made c2", "done 2", "asked after 2"],
      ],
      [
        [CALLED, step(2, "running")],
        ["unknown 2", "asked after 2"],
      ],
      [
        [CALLED, step(2, "running", { mayRepeat: true })],
        ["ready c2", "begun 2", "made c2", "done 2", "asked after 2"],
      ],
      [[CALLED, step(2, "done")], ["asked after 2"]],
    ];
    for (const [steps, events] of after) {
      const turn = new Taken();
      turn.answers = [REPLY];
      await turn.take(steps);
      assert.deepEqual(turn.events, events);
    }
  });

  it("makes no call whose step could not be written", async () => {
    for (const fails of ["called 1: 2", "begun 2"]) {
      const turn = new Taken();
      turn.fails = fails;
      turn.answers = [wanted(call("a"))];
      await assert.rejects(turn.take([FIRST_STEP]), /no database/);
      assert.ok(!turn.events.includes("made a"));
    }
  });

  it("is open in the middle of a call whose result could not be written", async () => {
    const turn = new Taken();
    turn.fails = "done 2";
    turn.answers = [wanted(call("a"))];
    await assert.rejects(turn.take([FIRST_STEP]), /no database/);
    assert.equal(turn.events.at(-1), "made a");
  });

  it("calls a limited number of tools; then the model has to speak", async () => {
    const turn = new Taken();
    const many = Array.from({ length: MOST_CALLS + 3 }, (_, at) => call(`c${at}`));
    turn.answers = [wanted(call("a")), wanted(...many), REPLY];
    await turn.take([FIRST_STEP]);
    const made = turn.events.filter((event) => event.startsWith("made"));
    assert.equal(made.length, MOST_CALLS);
    assert.equal(turn.events.filter((event) => event.startsWith("refused")).length, 4);
    assert.match(turn.events.at(-1) ?? "", /at last$/);
  });
});
