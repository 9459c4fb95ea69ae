import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { VerificationFlows } from "../../../src/crypto/verification-flows.ts";
import type { Flow } from "../../../src/crypto/verification-messages.ts";

function flow(flowId: string, userId = "@alice:example.test"): Flow {
  return { flowId, userId, roomId: undefined };
}

describe("the states of verifications", () => {
  it("go from requested to comparing, and end once", () => {
    const flows = new VerificationFlows();
    flows.begin(flow("a"));
    assert.equal(flows.openState("a")?.kind, "requested");
    flows.offered("a");
    flows.comparing("a");
    const end = (): Promise<void> => Promise.resolve();
    flows.keepEnd("a", end);
    assert.deepEqual(flows.openState("a"), {
      kind: "comparing",
      flow: flow("a"),
      isStartedUnasked: false,
      isOffered: true,
      theirEnd: end,
    });
    assert.deepEqual([flows.isAnyOpen, flows.isOver("a")], [true, false]);
    flows.end("a", "done");
    assert.deepEqual([flows.isAnyOpen, flows.isOver("a"), flows.openState("a")], [false, true, undefined]);
    flows.comparing("a");
    flows.heardStart(flow("a"));
    flows.heardStep(flow("a"));
    assert.equal(flows.isOver("a"), true, "a flow that has ended does not begin again");
    assert.deepEqual([flows.takeUnknown(), flows.startedUnasked("@alice:example.test")], [[], []]);
  });

  it("distinguish a start without a request from one with a request", () => {
    const flows = new VerificationFlows();
    flows.heardStart(flow("unasked"));
    flows.heardStart(flow("asked"));
    flows.heardStart(flow("another's", "@bob:example.test"));
    flows.wasAskedFor("asked");
    assert.deepEqual(flows.startedUnasked("@alice:example.test"), [flow("unasked")]);
    flows.begin(flow("unasked"));
    assert.deepEqual(flows.startedUnasked("@alice:example.test"), [flow("unasked")], "until it ends");
    flows.begin(flow("request"));
    flows.heardStart(flow("request"));
    flows.wasAskedFor("request");
    assert.deepEqual(flows.startedUnasked("@alice:example.test"), [flow("unasked")]);
    flows.end("unasked", "cancelled");
    assert.deepEqual(flows.startedUnasked("@alice:example.test"), []);
  });

  it("give out an unknown flow that somebody continues, once", () => {
    const flows = new VerificationFlows();
    flows.begin(flow("open"));
    flows.heardStep(flow("open"));
    flows.heardStep(flow("lost"));
    // A start is a step, too.
    flows.heardStart(flow("lost start"));
    flows.heardStep(flow("lost start"));
    flows.startIsUnknown("lost start");
    assert.deepEqual(flows.takeUnknown(), [flow("lost"), flow("lost start")]);
    assert.deepEqual(flows.takeUnknown(), []);
  });

  it("are kept for the latest thousand that ended, the latest thousand unknown ones, and all open ones", () => {
    const flows = new VerificationFlows();
    for (let n = 0; n <= 1_000; n++) {
      flows.begin(flow(`open ${n}`));
      flows.end(`over ${n}`, "cancelled");
      flows.heardStep(flow(`unknown ${n}`));
    }
    assert.deepEqual([flows.isOver("over 0"), flows.isOver("over 1"), flows.isOver("over 1000")], [false, true, true]);
    assert.equal(flows.open().length, 1_001);
    // A flow that ends again is the latest.
    flows.end("over 1", "cancelled");
    flows.end("over 1001", "cancelled");
    assert.deepEqual([flows.isOver("over 1"), flows.isOver("over 2")], [true, false]);
    const unknown = flows.takeUnknown();
    assert.deepEqual([unknown.length, unknown[0]?.flowId], [1_000, "unknown 1"]);
  });
});
