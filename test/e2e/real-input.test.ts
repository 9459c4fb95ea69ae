import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import type { Message, User } from "../support/user.ts";

/** What people really send, by the numbers of the list of it: on a real Synapse, with real clients, encrypted. */
describe("what people really send", () => {
  let ollama: OllamaServer;
  let deployment: Deployment;
  let alice: User;
  let bob: User;
  let agent: string;

  before(async () => {
    ollama = await startOllamaServer(["llama3.2:3b"]);
    deployment = await startDeployment({
      providers: { ollama: { type: "ollama", url: ollama.url } },
      agents: { llama: { provider: "ollama", model: "llama3.2:3b", display_name: "Llama" } },
    });
    alice = await deployment.user("js-sdk", "alice");
    bob = await deployment.user("js-sdk", "bob");
    agent = deployment.agent("llama");
  });
  after(async () => {
    await deployment.stop();
    await ollama.close();
  });

  /** A group of both and, where it is told so, the agent. */
  async function group({ withAgent = true, encrypted = true } = {}): Promise<string> {
    const roomId = await alice.createRoom({ encrypted, invite: withAgent ? [agent, bob.userId] : [bob.userId] });
    await bob.join(roomId);
    if (withAgent) for (const person of [alice, bob]) await person.waitMember(roomId, agent);
    return roomId;
  }

  /** What the model was asked last, all of it. */
  function asked(): string {
    const { messages } = ollama.chats().at(-1)?.body as { messages: readonly { role: string; content: string }[] };
    return messages.map(({ role, content }) => `${role}: ${content}`).join("\n---\n");
  }

  /** Somebody mentions the agent, and waits for its answer. */
  async function ask(person: User, roomId: string, body: string, relation?: object): Promise<Message> {
    const question = await person.send(roomId, {
      msgtype: "m.text",
      body,
      "m.mentions": { user_ids: [agent] },
      ...(relation === undefined ? {} : { "m.relates_to": relation }),
    });
    return person.waitMessage({ roomId, sender: agent, after: question });
  }

  const replyTo = (eventId: string): object => ({ "m.in_reply_to": { event_id: eventId } });

  it("5: what is replied to is part of what is asked, in its newest form, and is no more once it is deleted", async () => {
    const roomId = await group();
    const train = await bob.sendText({ roomId, body: "Der Zug fährt von Gleis 9" });
    assert.equal((await ask(alice, roomId, "translate this", replyTo(train))).encrypted, true);
    assert.match(asked(), /alice \(replying to bob\): > Der Zug fährt von Gleis 9\n {2}\n {2}translate this$/);

    const bus = await bob.sendText({ roomId, body: "Der Bus fährt um 8" });
    await bob.edit(roomId, bus, "Der Bus fährt um 9");
    await ask(alice, roomId, "and this", replyTo(bus));
    assert.match(asked(), /> Der Bus fährt um 9/);
    assert.doesNotMatch(asked(), /um 8/);

    await bob.redact(roomId, train);
    const tram = await bob.sendText({ roomId, body: "Die Tram fährt nie" });
    await bob.redact(roomId, tram);
    await ask(alice, roomId, "and this?", replyTo(tram));
    assert.match(asked(), /alice \(replying to a message that can't be read\): and this\?$/);
    assert.doesNotMatch(asked().replace(/assistant: [^]*?\n---\n/g, ""), /Gleis|Tram/);
  });

  it("5: a thread's beginning is part of what is asked in it, whoever wrote it", async () => {
    const roomId = await group();
    const root = await bob.sendText({ roomId, body: "Wir treffen uns im Café Sperl" });
    await ask(alice, roomId, "where is that?", {
      rel_type: "m.thread",
      event_id: root,
      is_falling_back: true,
      "m.in_reply_to": { event_id: root },
    });
    assert.match(asked(), /bob: Wir treffen uns im Café Sperl\n\nalice: where is that\?$/);
  });

  it("5: what was said before the agent came is read as far as it may see it, and an event elsewhere is not", async () => {
    const elsewhere = await group({ withAgent: false, encrypted: false });
    const secret = await bob.sendText({ roomId: elsewhere, body: "a secret of ours" });
    const roomId = await group({ withAgent: false, encrypted: false });
    const before = await bob.sendText({ roomId, body: "the key is under the mat" });
    await alice.invite(roomId, agent);
    await alice.waitMember(roomId, agent);
    await ask(alice, roomId, "where is it?", replyTo(before));
    assert.match(asked(), /> the key is under the mat/);
    await ask(alice, roomId, "and this?", replyTo(secret));
    assert.match(asked(), /replying to a message that can't be read\): and this\?$/);
    assert.doesNotMatch(asked(), /secret of ours/);
  });
});
