import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { english } from "../../src/language/english.ts";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import type { User } from "../support/user.ts";

describe("agents that are to talk without encryption only", () => {
  let deployment: Deployment;
  let alice: User;
  let agent: string;

  before(async () => {
    deployment = await startDeployment({
      agents: { demo: { provider: "demo" } },
      extraConfig: { encryption: { mode: "off" }, answers: { welcome: false, command_menus: false } },
    });
    alice = await deployment.user("js-sdk", "alice");
    agent = deployment.agent("demo");
  });
  after(() => deployment.stop());

  async function asksInClear(): Promise<string> {
    const roomId = await alice.createRoom({ encrypted: false, direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
    const question = await alice.sendText({ roomId, body: "hello" });
    await alice.waitMessage({ roomId, sender: agent, after: question });
    return roomId;
  }

  it("tell a room that becomes encrypted so, once and unencrypted, and go on in others", async () => {
    const roomId = await asksInClear();
    await alice.request("PUT", `/v3/rooms/${encodeURIComponent(roomId)}/state/m.room.encryption/`, {
      algorithm: "m.megolm.v1.aes-sha2",
    });
    await alice.waitEncrypted(roomId);
    const first = await alice.sendText({ roomId, body: "the password is swordfish" });
    const notice = await alice.waitMessage({ roomId, sender: agent, after: first });
    assert.deepEqual([notice.encrypted, notice.body], [false, english.noEncryptedRooms]);
    await alice.sendText({ roomId, body: "and again" });
    await asksInClear();
    const said = alice.messages(roomId).filter(({ sender, body }) => sender === agent && body === notice.body);
    assert.equal(said.length, 1);
  });
});
