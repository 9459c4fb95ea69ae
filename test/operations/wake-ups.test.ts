import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";

/** The number of times that the agent's device has asked for to-device messages. */
function syncs(deployment: Deployment, agent: string): number {
  return deployment.bridge
    .logs()
    .filter((line) => line["ghost"] === agent && line["path"] === "/_matrix/client/v3/sync").length;
}

/** Sends the agent's device a message without a room event, and says whether it looks for it within 3 s. */
async function reactsToDevice(deployment: Deployment): Promise<boolean> {
  const agent = deployment.agent("demo");
  const alice = await deployment.user("js-sdk", "alice");
  const roomId = await alice.createRoom({ direct: true, invite: [agent] });
  await alice.waitMember(roomId, agent);
  const question = await alice.sendText({ roomId, body: "hello" });
  const answer = await alice.waitMessage({ roomId, sender: agent, after: question });
  assert.equal(answer.encrypted, true);

  // No other work is pending when the count stands still.
  let before = -1;
  await eventually("the device to be at rest", async () => {
    const now = syncs(deployment, agent);
    if (now === before) return true;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 500));
    return false;
  });
  const [device] = await alice.deviceTrust(agent);
  await alice.request("PUT", "/v3/sendToDevice/org.example.hello/1", {
    messages: { [agent]: { [device?.deviceId ?? ""]: { text: "hello" } } },
  });
  return eventually("a /sync of the agent's device", () => syncs(deployment, agent) > before, {
    timeoutMs: 3_000,
  }).then(
    () => true,
    () => false,
  );
}

describe("to-device messages", () => {
  it("are fetched at once where Synapse announces them", async () => {
    const deployment = await startDeployment({ toDevicePush: true });
    try {
      assert.equal(await reactsToDevice(deployment), true);
    } finally {
      await deployment.stop();
    }
  });

  it("are fetched at the slow interval where Synapse has no experimental flag, and chats work the same", async () => {
    const deployment = await startDeployment({ extraConfig: { sync: { interval: "1h" } } });
    try {
      assert.equal(await reactsToDevice(deployment), false);
    } finally {
      await deployment.stop();
    }
    const quicker = await startDeployment({ extraConfig: { sync: { interval: "1s" } } });
    try {
      const alice = await quicker.user("js-sdk", "alice");
      const agent = quicker.agent("demo");
      const roomId = await alice.createRoom({ direct: true, invite: [agent] });
      await alice.waitMember(roomId, agent);
      const before = syncs(quicker, agent);
      await eventually("the device to look by itself, again and again", () => syncs(quicker, agent) > before + 3);
    } finally {
      await quicker.stop();
    }
  });
});
