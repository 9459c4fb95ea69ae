import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import type { User } from "../support/user.ts";

describe("a client's first direct chat with an agent with whom nobody has talked", () => {
  let deployment: Deployment;
  let maja: User;
  let agent: string;

  before(async () => {
    deployment = await startDeployment();
    maja = await deployment.user("mautrix", "maja");
    agent = deployment.agent("demo");
  });
  after(() => deployment.stop());

  /** Element Web's canEncryptToAllUsers: encrypted where everybody else has a device with keys. */
  async function direct(): Promise<string> {
    const devices = await maja.deviceTrust(agent);
    return maja.createRoom({ direct: true, invite: [agent], encrypted: devices.length > 0 });
  }

  it("is encrypted, because the agent has a signed device before it is invited, and so is the answer", async () => {
    const signed = (await maja.deviceTrust(agent)).map(({ signedByOwner }) => signedByOwner);
    assert.deepEqual(signed, [true]);
    const roomId = await direct();
    await maja.waitMember(roomId, agent);
    const question = await maja.sendText({ roomId, body: "can you keep a secret?" });
    const answer = await maja.waitMessage({ roomId, sender: agent, after: question });
    assert.match(answer.body, /can you keep a secret/);
    assert.equal(answer.encrypted, true);
    assert.deepEqual(answer.shield, { colour: "none", reason: null });
  });

  it("has the first message answered, though the agent joins after it: clients make the room in order to send it, and don't wait", async () => {
    await deployment.stopBridge();
    const roomId = await direct();
    const question = await maja.sendText({ roomId, body: "are you there already?" });
    await deployment.startBridge();
    const answer = await maja.waitMessage({ roomId, sender: agent, after: question });
    assert.match(answer.body, /are you there already/);
    assert.equal(answer.encrypted, true);
  });
});
