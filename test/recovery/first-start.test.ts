import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { prepareDeployment, type Deployment } from "../support/deployment.ts";
import { devicesIn, openDirectChat, queryKeys } from "../support/first-contact.ts";
import { eventually } from "../support/eventually.ts";
import type { Step } from "../../src/observability/steps.ts";
import type { User } from "../support/user.ts";
import { inCheckout } from "../support/paths.ts";

// So many that some are still to be made when the last of these ends comes, however quick the machine is.
const NAMES = ["a", "b", "c", "d", "e", "f", "g", "h"];

function crashingAt(step: Step, times: number): Record<string, string> {
  const preload = `--import=${inCheckout("test/support/crash-at-step.mjs")}`;
  return { NODE_OPTIONS: preload, CRASH_AT: `${step}:${times}` };
}

describe("a first start that is killed while it makes the agents' devices", () => {
  let deployment: Deployment;
  let alice: User;

  before(async () => {
    deployment = await prepareDeployment({
      agents: Object.fromEntries(NAMES.map((name) => [name, { provider: "demo" }])),
    });
  });
  after(() => deployment.stop());

  for (const [step, times] of [
    // The bridge's own user comes first, alone.
    ["identity.kept", 1],
    ["identity.published", 1],
    ["request.answered", 1],
    ["store.written", 10],
    ["identity.kept", 3],
    ["identity.published", 3],
    ["request.answered", 2],
  ] as const) {
    it(`ends at ${step} for the ${times}. time`, async () => {
      await assert.rejects(deployment.startBridge(crashingAt(step, times)), /ended before it was ready|did not start/);
    });
  }

  it("goes on with the same devices, and makes none twice", async () => {
    const bridge = await deployment.startBridge(crashingAt("backup.begun", 1));
    alice = await deployment.user("js-sdk", "alice");
    const agents = NAMES.map((name) => deployment.agent(name));
    const keys = await queryKeys(alice, agents);
    for (const agent of agents) {
      assert.deepEqual(
        devicesIn(keys, agent).map(({ signed }) => signed),
        [true],
        agent,
      );
    }
    // The first message brings the first room key, and so ends the bridge once more.
    const [first = ""] = agents;
    const { roomId } = await openDirectChat(alice, first);
    await alice.sendText({ roomId, body: "are you there?" });
    assert.equal((await bridge.exited).signal, "SIGKILL");
  });

  it("has working agents in the end, whose keys are backed up", async () => {
    await deployment.startBridge();
    for (const agent of NAMES.map((name) => deployment.agent(name))) {
      const { roomId } = await openDirectChat(alice, agent);
      const question = await alice.sendText({ roomId, body: `hello ${agent}` });
      const answer = await alice.waitMessage({ roomId, sender: agent, after: question });
      assert.equal(answer.encrypted, true);
      assert.equal(answer.shield?.colour, "none");
    }
    await eventually("all keys to be backed up", async () => {
      const { code, stdout } = await deployment.command(["keys", "backup"]);
      const whole = stdout.match(/identity in secret storage, [1-9]\d* room keys?/g) ?? [];
      return code === 0 && whole.length === NAMES.length;
    });
  });
});
