import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { prepareDeployment, type Deployment } from "../support/deployment.ts";
import { devicesIn, openDirectChat, queryKeys } from "../support/first-contact.ts";
import { inCheckout } from "../support/paths.ts";

const NAMES = ["a", "b", "c", "d"];

describe("a first start that is killed while it makes the agents' devices", () => {
  let deployment: Deployment;

  before(async () => {
    deployment = await prepareDeployment({
      agents: Object.fromEntries(NAMES.map((name) => [name, { provider: "demo" }])),
    });
  });
  after(() => deployment.stop());

  for (const [step, times] of [
    ["request.answered", 2],
    ["store.written", 40],
    ["request.answered", 6],
  ] as const) {
    it(`ends at ${step} for the ${times}. time`, async () => {
      const env = { NODE_OPTIONS: `--import=${inCheckout("test/support/crash-at-step.mjs")}` };
      const starting = deployment.startBridge({ ...env, CRASH_AT: `${step}:${times}` });
      await assert.rejects(starting, /ended before it was ready|did not start/);
    });
  }

  it("goes on with the same devices, and makes none twice", async () => {
    await deployment.startBridge();
    const alice = await deployment.user("js-sdk", "alice");
    const agents = NAMES.map((name) => deployment.agent(name));
    const keys = await queryKeys(alice, agents);
    for (const agent of agents) {
      assert.deepEqual(
        devicesIn(keys, agent).map(({ signed }) => signed),
        [true],
        agent,
      );
      const { roomId } = await openDirectChat(alice, agent);
      const question = await alice.sendText({ roomId, body: `hello ${agent}` });
      const answer = await alice.waitMessage({ roomId, sender: agent, after: question });
      assert.equal(answer.encrypted, true);
      assert.equal(answer.shield?.colour, "none");
    }
  });
});
