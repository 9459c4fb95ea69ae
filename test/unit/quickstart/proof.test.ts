import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Evidence, proofLine } from "../../../quickstart/proof.ts";

const MEGOLM = "m.megolm.v1.aes-sha2";
const GOOD: Evidence = {
  roomId: "!room:localhost",
  roomAlgorithm: MEGOLM,
  questionAlgorithm: MEGOLM,
  answerAlgorithm: MEGOLM,
  sender: "@agent_demo:localhost",
  device: "ABCDEF",
  signedByOwner: true,
  warning: undefined,
};

describe("proofLine", () => {
  it("shows in one line the room, the device and its owner", () => {
    assert.equal(
      proofLine(GOOD),
      "proof: room !room:localhost: encrypted with m.megolm.v1.aes-sha2 · agent's device ABCDEF · " +
        "signed by its owner @agent_demo:localhost (cross-signed)",
    );
  });

  for (const [flaw, says] of [
    [{ roomAlgorithm: undefined }, /the room is not encrypted/],
    [{ questionAlgorithm: undefined }, /the question was sent in clear/],
    [{ answerAlgorithm: undefined }, /the answer was sent in clear/],
    [{ device: undefined }, /no known device of @agent_demo:localhost/],
    [{ signedByOwner: false }, /not signed by @agent_demo:localhost/],
    [{ warning: "UNKNOWN_DEVICE" }, /the client warns of the answer \(UNKNOWN_DEVICE\)/],
  ] as const) {
    it(`is refused for ${JSON.stringify(Object.keys(flaw))}`, () => {
      assert.throws(() => proofLine({ ...GOOD, ...flaw }), { name: "QuickstartError", message: says });
    });
  }
});
