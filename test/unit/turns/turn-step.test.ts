import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Queryable } from "../../../src/database/database.ts";
import type { TurnReply } from "../../../src/turns/turn.ts";
import {
  MOST_CALLS,
  MOST_WAITING,
  takeSteps,
  type CallsWanted,
  type ReadyCall,
  type StepRecords,
  type Waits,
} from "../../../src/turns/step-loop.ts";
import { withAnswer, type CallInput } from "../../../src/turns/call-input.ts";
import {
  askedBack,
  endOf,
  FIRST_STEP,
  MOST_AT_ONCE,
  lastEnd,
  nextStep,
  outOfTime,
  wholeUsage,
  type CallStep,
  type ProposedCall,
  type TurnStep,
  type WaitingCall,
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

const INPUT: CallInput = {
  forms: [
    {
      key: "q",
      message: "Where?",
      fields: [{ key: "city", name: "city", kind: "text", isRequired: true, choices: [] }],
    },
  ],
  declined: [],
  round: 1,
  goesTo: { host: "tools.files", to: "local" },
};

const ASKED = { deciders: "asker", canGrant: true } as const;

function step(
  number: number,
  state: "proposed" | "waiting" | "approved" | "declined" | "running" | "done",
  more: Partial<ProposedCall> & { readonly decidedBy?: string } = {},
): CallStep {
  const { decidedBy, ...ofCall } = more;
  const name = { number, askedOf: "tool", call: call(`c${number}`, ofCall), code: `CODE${number}` } as const;
  const decided = decidedBy === undefined ? {} : { decidedBy };
  if (state === "done") return { ...name, state, answer: RESULT };
  if (state === "waiting") return { ...name, state, call: { ...name.call, asked: ASKED } };
  return { ...name, ...decided, state };
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

  it("wait while a call waits for a person, and people are asked about the later ones meanwhile", () => {
    const first = step(2, "waiting");
    const second = step(3, "proposed");
    assert.deepEqual(nextStep([CALLED, first]), { type: "wait" });
    assert.deepEqual(nextStep([CALLED, first, second]), { type: "look_ahead", step: second });
    // One that needs nobody's word is not made before the first.
    assert.deepEqual(nextStep([CALLED, first, second], new Set([3])), { type: "wait" });
    assert.deepEqual(nextStep([CALLED, first, step(3, "approved")]), { type: "wait" });
    assert.deepEqual(nextStep([CALLED, first, step(3, "waiting"), step(4, "proposed")], new Set([4])), {
      type: "wait",
    });
  });

  it("go on with a call that was approved, and without one that was declined", () => {
    const approved = step(2, "approved");
    assert.deepEqual(nextStep([CALLED, approved, step(3, "waiting")]), { type: "call", step: approved });
    const declined = step(3, "declined");
    assert.deepEqual(nextStep([CALLED, approved, declined]), { type: "declined", step: declined });
  });

  it("decline by nobody what nobody has decided about in time", () => {
    const steps = [CALLED, step(2, "done"), step(3, "waiting"), step(4, "approved"), step(5, "proposed")];
    assert.deepEqual(
      outOfTime(steps, true).map(({ state }) => state),
      ["called", "done", "declined", "approved", "proposed"],
    );
    assert.deepEqual(outOfTime(steps, false), steps);
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
  may: (id: string) => ReadyCall["may"] = () => "call";
  asksBack: (call: ProposedCall) => CallInput | undefined = () => undefined;
  breaksOff: (id: string) => boolean = () => false;
  fails: string | undefined;
  waitingElsewhere = 0;
  /** The most calls that were under way at once. */
  most = 0;
  #underWay = 0;

  async take(steps: TurnStep[]): Promise<TurnReply | Waits | undefined> {
    const records: StepRecords = {
      called: async (model, calls) => {
        await this.#note(`called ${model.number}: ${calls.map(({ number }) => number).join()}`);
        return calls.map((one) => ({ ...one, code: `CODE${one.number}` }));
      },
      waitingHere: () =>
        Promise.resolve(this.waitingElsewhere + steps.filter(({ state }) => state === "waiting").length),
      asking: (step) => ({ scopes: [], store: () => this.#note(`waiting ${step.number}`) }),
      asked: ({ eventId }) => this.#note(`asked ${eventId}`),
      lost: async (step) => {
        await this.#note(`lost ${step.number}`);
        return { ...step, state: "proposed", call: { ...step.call, isLost: true }, code: "NEW" };
      },
      askingBack: async (step, input) => {
        await this.#note(`asking back ${step.number}`);
        return { ...step, state: "proposed", call: { ...step.call, input }, code: `BACK${input.round}` };
      },
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
        ready: async (step, _steps, isAhead) => {
          const { state, call } = step;
          const { id } = call;
          await this.#note(`ready ${id}`);
          const may = askedBack(step) !== undefined ? "ask" : state === "approved" ? "call" : this.may(id);
          if (may === "refuse") return { may, answer: { text: "No.", isError: true } };
          if (may === "ask") return { may, asked: ASKED, question: { body: `May I ${id}?` } };
          if (may === "hold" || isAhead) return { may: "hold" };
          return {
            may,
            make: async () => {
              await this.#note(`made ${id}`);
              this.most = Math.max(this.most, ++this.#underWay);
              // As long as the others need to begin.
              await sleep(5);
              this.#underWay--;
              if (this.breaksOff(id)) return { isLost: true };
              const input = this.asksBack(call);
              return input === undefined ? { answer: RESULT } : { input };
            },
          };
        },
        sendQuestion: async (code, { body }, beside) => {
          await beside.store({} as Queryable, []);
          await this.#note(`sent ${code}: ${String(body)}`);
          return { eventId: `$${code}`, mark: undefined };
        },
        timeIsOver: (code) => this.#note(`over ${code}`),
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

  it("makes calls that only read beside each other, four at once, after those before them and before those behind", async () => {
    const turn = new Taken();
    const reads = (id: string): ProposedCall => ({ ...call(id), mayRepeat: true, onlyReads: true });
    turn.answers = [wanted(call("a"), ...["b", "c", "d", "e", "f"].map(reads), call("g"), reads("h")), REPLY];
    const steps: TurnStep[] = [FIRST_STEP];
    await turn.take(steps);
    const at = (event: string): number => {
      const index = turn.events.indexOf(event);
      assert.ok(index >= 0, event);
      return index;
    };
    assert.ok(at("done 2") < at("ready b"));
    for (const id of ["b", "c", "d", "e"]) assert.ok(at(`made ${id}`) < at("ready f"), id);
    assert.equal(turn.most, MOST_AT_ONCE);
    assert.ok(at("done 7") < at("ready g"));
    assert.ok(at("done 8") < at("ready h"));
    assert.ok(at("done 9") < at("asked after 9"));
    assert.deepEqual(
      steps.slice(1, 9).map((one) => one.askedOf === "tool" && one.call.id),
      ["a", "b", "c", "d", "e", "f", "g", "h"],
      "the results stand in the model's order",
    );
  });

  it("asks the person what a call's server asks, and goes on with the answer", async () => {
    const turn = new Taken();
    turn.asksBack = ({ input }) => (input === undefined ? INPUT : undefined);
    turn.answers = [wanted(call("a"), call("b"))];
    const steps: TurnStep[] = [FIRST_STEP];
    assert.deepEqual(await turn.take(steps), { outcome: "waits" });
    assert.deepEqual(turn.events.slice(2), [
      ...["ready a", "begun 2", "made a", "asking back 2"],
      ...["ready a", "waiting 2", "sent BACK1: May I a?", "asked $BACK1"],
      // The call behind it is not made.
      "ready b",
    ]);
    const [, asked] = steps as [TurnStep, WaitingCall];
    const input = withAnswer(INPUT, { action: "accept", content: { city: "Berlin" } });
    const answered: TurnStep = { ...asked, state: "approved", call: { ...asked.call, input } };
    turn.events.length = 0;
    turn.answers = [REPLY];
    const again: TurnStep[] = [CALLED, answered, { ...step(3, "proposed"), call: call("b") } as TurnStep];
    await turn.take(again);
    assert.deepEqual(turn.events.slice(0, 4), ["ready a", "begun 2", "made a", "done 2"]);
  });

  it("tells its model that nobody has answered a call's server in time, whoever had agreed to the call", async () => {
    const turn = new Taken();
    turn.answers = [REPLY];
    const waits = { ...step(2, "waiting"), code: "BCDF", decidedBy: "@bob:hs" } as WaitingCall;
    const steps = [...outOfTime([CALLED, { ...waits, call: { ...waits.call, input: INPUT } }], true)];
    await turn.take(steps);
    assert.deepEqual(turn.events, ["over BCDF", "refused 2", "asked after 2"]);
    assert.match(JSON.stringify(steps[1]), /asked the person something first, and got no answer in time/);
  });

  it("ends what is under way before it fails, asks, or goes on", async () => {
    const reads = (id: string): ProposedCall => ({ ...call(id), mayRepeat: true, onlyReads: true });
    const failing = new Taken();
    failing.fails = "begun 2";
    failing.answers = [wanted(reads("a"), reads("b"))];
    await assert.rejects(failing.take([FIRST_STEP]), /no database/);
    assert.ok(failing.events.includes("done 3"));
    const asking = new Taken();
    asking.may = (id) => (id === "b" ? "ask" : "call");
    asking.answers = [wanted(reads("a"), reads("b"), reads("c"))];
    assert.deepEqual(await asking.take([FIRST_STEP]), { outcome: "waits" });
    assert.ok(asking.events.includes("done 2") && !asking.events.includes("made c"));
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
    turn.may = () => "refuse";
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
        ["lost 2", "ready c2", "begun 2", "made c2", "done 2", "asked after 2"],
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

  it("asks people about all calls at once, waits, and makes none before its turn", async () => {
    const turn = new Taken();
    turn.may = (id) => (id === "b" ? "call" : "ask");
    turn.answers = [wanted(call("a"), call("b"), call("c"))];
    const steps: TurnStep[] = [FIRST_STEP];
    assert.deepEqual(await turn.take(steps), { outcome: "waits" });
    assert.deepEqual(turn.events.slice(2), [
      ...["ready a", "waiting 2", "sent CODE2: May I a?", "asked $CODE2"],
      "ready b",
      ...["ready c", "waiting 4", "sent CODE4: May I c?", "asked $CODE4"],
    ]);
    assert.deepEqual(
      steps.map(({ state }) => state),
      ["called", "waiting", "proposed", "waiting"],
    );
    // Both were approved.
    const then = new Taken();
    then.answers = [REPLY];
    const decided = steps.map((one): TurnStep => {
      if (one.state !== "waiting") return one;
      const { number, askedOf, call } = one;
      return { number, askedOf, call, state: "approved" };
    });
    await then.take(decided);
    assert.deepEqual(
      then.events.filter((event) => event.startsWith("made")),
      ["made a", "made b", "made c"],
    );
  });

  it("makes no call that a person has declined, and none that nobody has decided about in time", async () => {
    const turn = new Taken();
    turn.answers = [REPLY];
    const steps = [CALLED, step(2, "declined", { decidedBy: "@ann:a.b" }), step(3, "declined")];
    await turn.take(steps);
    assert.deepEqual(turn.events, ["refused 2", "over CODE3", "refused 3", "asked after 3"]);
    assert.deepEqual(
      steps.slice(1, 3).map((one) => "answer" in one && "isError" in one.answer && one.answer.text.slice(0, 40)),
      ["Not done: a person has refused this. Do ", "Not done: people have to agree to this f"],
    );
  });

  it("asks a person again about a call whose end nobody knows, and repeats it only if they agree", async () => {
    const turn = new Taken();
    turn.may = () => "ask";
    const steps: TurnStep[] = [CALLED, step(2, "running", { decidedBy: "@ann:a.b" })];
    assert.deepEqual(await turn.take(steps), { outcome: "waits" });
    assert.deepEqual(turn.events, ["lost 2", "ready c2", "waiting 2", "sent NEW: May I c2?", "asked $NEW"]);
    for (const decidedBy of ["@ann:a.b", undefined]) {
      const left = new Taken();
      left.answers = [REPLY];
      const declined = { isLost: true, ...(decidedBy === undefined ? {} : { decidedBy }) } as const;
      await left.take([CALLED, step(2, "declined", declined)]);
      assert.deepEqual(left.events, [...(decidedBy ? [] : ["over CODE2"]), "unknown 2", "asked after 2"]);
    }
    const gone = new Taken();
    gone.may = () => "refuse";
    gone.answers = [REPLY];
    await gone.take([CALLED, step(2, "proposed", { isLost: true })]);
    assert.deepEqual(gone.events, ["ready c2", "unknown 2", "asked after 2"]);
  });

  it("asks a person about a call that breaks off, and again where it does when it is repeated", async () => {
    const turn = new Taken();
    turn.breaksOff = () => true;
    turn.may = () => (turn.events.includes("lost 2") ? "ask" : "call");
    const steps: TurnStep[] = [CALLED, step(2, "proposed")];
    assert.deepEqual(await turn.take(steps), { outcome: "waits" });
    const asked = ["lost 2", "ready c2", "waiting 2", "sent NEW: May I c2?", "asked $NEW"];
    assert.deepEqual(turn.events, ["ready c2", "begun 2", "made c2", ...asked]);
    turn.events.length = 0;
    steps[1] = step(2, "approved", { isLost: true, decidedBy: "@ann:a.b" });
    assert.deepEqual(await turn.take(steps), { outcome: "waits" });
    assert.deepEqual(turn.events, ["ready c2", "begun 2", "made c2", ...asked]);
  });

  it("lets only a few calls of a conversation wait", async () => {
    const turn = new Taken();
    turn.waitingElsewhere = MOST_WAITING - 1;
    turn.may = () => "ask";
    turn.answers = [wanted(call("a"), call("b"))];
    const steps: TurnStep[] = [FIRST_STEP];
    assert.deepEqual(await turn.take(steps), { outcome: "waits" });
    assert.deepEqual(
      steps.map(({ state }) => state),
      ["called", "waiting", "refused"],
    );
  });

  it("asks nothing where that could not be written before", async () => {
    const turn = new Taken();
    turn.may = () => "ask";
    turn.fails = "waiting 2";
    turn.answers = [wanted(call("a"))];
    const steps: TurnStep[] = [FIRST_STEP];
    await assert.rejects(turn.take(steps), /no database/);
    assert.equal(steps[1]?.state, "proposed");
    assert.ok(!turn.events.some((event) => event.startsWith("sent")));
  });
});
