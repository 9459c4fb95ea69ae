import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import type { User } from "../support/user.ts";

const DESCRIPTION = "org.matrix.msc4391.command_description";

interface StateEvent {
  readonly type: string;
  readonly sender: string;
  readonly content: { readonly command?: string };
}

describe("a conversation that begins", () => {
  let deployment: Deployment;
  let alice: User;
  let agent: string;

  before(async () => {
    deployment = await startDeployment({ extraConfig: { answers: { language: "de" } } });
    alice = await deployment.user("js-sdk", "alice");
    agent = deployment.agent("demo");
  });
  after(() => deployment.stop());

  async function described(roomId: string): Promise<(string | undefined)[]> {
    const state = await alice.request<StateEvent[]>("GET", `/v3/rooms/${encodeURIComponent(roomId)}/state`);
    return state
      .filter(({ type, sender }) => type === DESCRIPTION && sender === agent)
      .map(({ content }) => content.command);
  }

  it("does so with a short notice of who has come, in the admin's language, encrypted like the room, once", async () => {
    const roomId = await alice.createRoom({ direct: true, invite: [agent] });
    const welcome = await alice.waitMessage({ roomId, sender: agent });
    assert.deepEqual([welcome.content["msgtype"], welcome.encrypted], ["m.notice", true]);
    assert.match(welcome.body, /^Hallo! Ich bin Demo, eine KI\. Schreib mir/);
    assert.deepEqual(welcome.content["m.mentions"], {});
    // A membership is written anew when the profile changes.
    await deployment.stopBridge();
    await deployment.startBridge();
    const question = await alice.sendText({ roomId, body: "hello" });
    await alice.waitMessage({ roomId, sender: agent, after: question });
    const said = alice
      .messages(roomId)
      .filter(({ sender, body }) => sender === agent && body.startsWith("Hallo! Ich bin"));
    assert.equal(said.length, 1);
  });

  it("describes the commands to clients with menus, where the agent may, and takes what is chosen there", async () => {
    const roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await eventually("the commands to be described", async () => (await described(roomId)).includes("usage"));
    const commands = await described(roomId);
    assert.ok(commands.includes("model") && commands.includes("stop"));
    const chosen = await alice.send(roomId, {
      msgtype: "m.text",
      body: "/temperature 0.3",
      "m.mentions": { user_ids: [agent] },
      "org.matrix.msc4391.command": { command: "temperature", arguments: { text: "0.3" } },
    });
    const done = await alice.waitMessage({ roomId, sender: agent, after: chosen });
    assert.match(done.body, /^Erledigt\. Temperatur: 0\.3/);

    const group = await alice.createRoom({ invite: [agent] });
    const greeted = await alice.waitMessage({ roomId: group, sender: agent });
    assert.match(greeted.body, /wenn ihr mich erwähnt/);
    const question = await alice.sendText({ roomId: group, body: "hello", mentions: [agent] });
    await alice.waitMessage({ roomId: group, sender: agent, after: question });
    assert.deepEqual(await described(group), []);
  });
});
