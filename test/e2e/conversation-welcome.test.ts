import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { dump, load } from "js-yaml";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import type { User } from "../support/user.ts";

const DESCRIPTION = "org.matrix.msc4391.command_description";

interface StateEvent {
  readonly event_id: string;
  readonly type: string;
  readonly sender: string;
  readonly content: { readonly command?: string };
}

describe("a conversation that begins", () => {
  let deployment: Deployment;
  let alice: User;
  let agent: string;

  before(async () => {
    deployment = await startDeployment({ extraConfig: { answers: { language: "de", command_menus: true } } });
    alice = await deployment.user("js-sdk", "alice");
    agent = deployment.agent("demo");
  });
  after(() => deployment.stop());

  async function descriptions(roomId: string): Promise<StateEvent[]> {
    const state = await alice.request<StateEvent[]>("GET", `/v3/rooms/${encodeURIComponent(roomId)}/state`);
    return state.filter(({ type, sender }) => type === DESCRIPTION && sender === agent);
  }

  /** The types of what a room shows, oldest first. */
  async function timeline(roomId: string): Promise<StateEvent[]> {
    const path = `/v3/rooms/${encodeURIComponent(roomId)}/messages?dir=f&limit=200`;
    return (await alice.request<{ chunk: StateEvent[] }>("GET", path)).chunk;
  }

  it("does so with a short notice of the agent that has joined, in the admin's language, encrypted like the room, once", async () => {
    const roomId = await alice.createRoom({ direct: true, invite: [agent] });
    const welcome = await alice.waitMessage({ roomId, sender: agent });
    assert.deepEqual([welcome.content["msgtype"], welcome.encrypted], ["m.notice", true]);
    assert.match(welcome.body, /^Hallo! Ich bin Demo, eine Demo und keine KI\. Schreib mir/);
    assert.deepEqual(welcome.content["m.mentions"], {});
    // A membership is written again when the profile changes.
    await deployment.stopBridge();
    await deployment.startBridge();
    const question = await alice.sendText({ roomId, body: "hello" });
    await alice.waitMessage({ roomId, sender: agent, after: question });
    const said = alice
      .messages(roomId)
      .filter(({ sender, body }) => sender === agent && body.startsWith("Hallo! Ich bin"));
    assert.equal(said.length, 1);
  });

  it("does so with the bridge's bot, too", async () => {
    const bot = `@agents:${deployment.synapse.serverName}`;
    const roomId = await alice.createRoom({ direct: true, invite: [bot] });
    const welcome = await alice.waitMessage({ roomId, sender: bot });
    assert.equal(welcome.content["msgtype"], "m.notice");
    assert.match(welcome.body, /^Hallo! Ich kümmere mich um die KI-Agenten .*Schreib list/);
  });

  it("describes the commands to clients with menus before that, where the agent may, and accepts a choice there", async () => {
    const roomId = await alice.createRoom({ direct: true, invite: [agent] });
    const welcome = await alice.waitMessage({ roomId, sender: agent });
    const before = await descriptions(roomId);
    const commands = before.map(({ content }) => content.command);
    assert.ok(commands.includes("model") && commands.includes("stop") && !commands.includes("discuss"));
    const seen = await timeline(roomId);
    const greeted = seen.findIndex(({ event_id: eventId }) => eventId === welcome.eventId);
    assert.ok(seen.findLastIndex(({ type }) => type === DESCRIPTION) < greeted, "nothing comes behind the welcome");
    const chosen = await alice.send(roomId, {
      msgtype: "m.text",
      body: "/temperature 0.3",
      "m.mentions": { user_ids: [agent] },
      "org.matrix.msc4391.command": { command: "temperature", arguments: { number: "0.3" } },
    });
    const done = await alice.waitMessage({ roomId, sender: agent, after: chosen });
    assert.match(done.body, /^Erledigt\. Temperatur: 0,3/);
    assert.equal(
      (await timeline(roomId)).filter(({ type }) => type === DESCRIPTION).length,
      before.length,
      "once each",
    );

    const group = await alice.createRoom({ invite: [agent] });
    const hello = await alice.waitMessage({ roomId: group, sender: agent });
    assert.match(hello.body, /wenn du mich erwähnst.*@demo !help/);
    const question = await alice.sendText({ roomId: group, body: "hello", mentions: [agent] });
    await alice.waitMessage({ roomId: group, sender: agent, after: question });
    assert.deepEqual(await descriptions(group), []);
  });

  it("hides no message below the descriptions of commands unless the admin wants them", async () => {
    await deployment.stopBridge();
    const config = load(await readFile(deployment.files.config, "utf8")) as Record<string, unknown>;
    await writeFile(deployment.files.config, dump({ ...config, answers: { language: "de" } }), { mode: 0o600 });
    await deployment.startBridge();
    const roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMessage({ roomId, sender: agent });
    const question = await alice.sendText({ roomId, body: "hello" });
    await alice.waitMessage({ roomId, sender: agent, after: question });
    assert.deepEqual(await descriptions(roomId), []);
  });
});
