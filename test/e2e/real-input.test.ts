import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import type { Message, User } from "../support/user.ts";

/** The real messages of people, by the numbers of their list: on a real Synapse, with real clients, encrypted. */
describe("the real messages of people", () => {
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
      extraConfig: { answers: { command_menus: false }, access: { ignore: ["@eve:*"] } },
    });
    alice = await deployment.user("js-sdk", "alice");
    bob = await deployment.user("js-sdk", "bob");
    agent = deployment.agent("llama");
  });
  after(async () => {
    await deployment.stop();
    await ollama.close();
  });

  /** A group of both and, where the test says so, the agent. */
  async function group({ withAgent = true, encrypted = true } = {}): Promise<string> {
    const roomId = await alice.createRoom({ encrypted, invite: withAgent ? [agent, bob.userId] : [bob.userId] });
    await bob.join(roomId);
    if (withAgent) for (const person of [alice, bob]) await greeted(person, roomId);
    return roomId;
  }

  /** Waits until the agent has introduced itself, so that the message after a question is its answer. */
  function greeted(person: User, roomId: string): Promise<Message> {
    return person.waitMessage({ roomId, sender: agent, where: ({ content }) => content["msgtype"] === "m.notice" });
  }

  /** The model's last request, all of it. */
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

  it("5: a message with a reply is part of the question, in its newest form, and no longer once it is deleted", async () => {
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

  it("5: a message that the agent would now ignore is not read through a reply", async () => {
    const roomId = await group();
    const eve = await deployment.user("js-sdk", "eve");
    await alice.invite(roomId, eve.userId);
    await eve.join(roomId);
    await eve.waitEncrypted(roomId);
    const ignored = await eve.sendText({ roomId, body: "by somebody who is ignored" });
    // As its homeserver could invent it.
    const path = `/v3/rooms/${encodeURIComponent(roomId)}/send/m.room.message/clear`;
    const content = { msgtype: "m.text", body: "in clear in an encrypted room" };
    const { event_id: inClear } = await bob.request<{ event_id: string }>("PUT", path, content);
    for (const eventId of [ignored, inClear]) {
      await ask(alice, roomId, "what is this?", replyTo(eventId));
      assert.match(asked(), /replying to a message that can't be read\): what is this\?$/);
      assert.doesNotMatch(asked(), /ignored|in clear/);
    }
  });

  it("5: a thread's beginning is part of a question in it, whoever wrote it", async () => {
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

  it("5: a message from before the agent joined is read as far as the agent may see it, and an event elsewhere is not", async () => {
    const elsewhere = await group({ withAgent: false, encrypted: false });
    const secret = await bob.sendText({ roomId: elsewhere, body: "a secret of ours" });
    const roomId = await group({ withAgent: false, encrypted: false });
    const before = await bob.sendText({ roomId, body: "the key is under the mat" });
    await alice.invite(roomId, agent);
    await greeted(alice, roomId);
    await ask(alice, roomId, "where is it?", replyTo(before));
    assert.match(asked(), /> the key is under the mat/);
    await ask(alice, roomId, "and this?", replyTo(secret));
    assert.match(asked(), /replying to a message that can't be read\): and this\?$/);
    assert.doesNotMatch(asked(), /secret of ours/);
  });

  it("15: a sticker and a poll in a direct chat each get a friendly reply, once", async () => {
    const roomId = await alice.createRoom({ direct: true, invite: [agent] });
    const greeting = await greeted(alice, roomId);
    const first = await alice.send(roomId, { body: "a cat", url: "mxc://localhost/cat", info: {} }, "m.sticker");
    const word = await alice.waitMessage({ roomId, sender: agent, after: first });
    assert.match(word.body, /^Llama likes stickers/);
    assert.deepEqual([word.content["msgtype"], word.encrypted], ["m.notice", true]);
    await alice.send(roomId, { body: "a dog", url: "mxc://localhost/dog", info: {} }, "m.sticker");
    const poll = "org.matrix.msc3381.poll.start";
    await alice.send(roomId, { [poll]: { question: { body: "Pizza?" }, answers: [] } }, poll);
    const question = await alice.sendText({ roomId, body: "hello" });
    const where = ({ content }: Message): boolean => content["msgtype"] === "m.text";
    await alice.waitMessage({ roomId, sender: agent, after: question, where });
    // It does not remember its own notices; asked about one, it reads it.
    await ask(alice, roomId, "why?", replyTo(word.eventId));
    assert.match(asked(), /\(Replying to you:\)\n> Llama likes stickers, [^\n]+\n\nwhy\?$/);
    const notices = alice
      .messages(roomId)
      .filter(
        ({ sender, content, eventId }) =>
          sender === agent && content["msgtype"] === "m.notice" && eventId !== greeting.eventId,
      );
    assert.deepEqual(
      notices.map(({ body }) => body.split(" ").slice(0, 3).join(" ")),
      ["Llama likes stickers,", "Llama can't vote."],
    );
  });

  it("15: an edit that adds the mention is a question", async () => {
    const roomId = await group();
    const said = await bob.sendText({ roomId, body: "what is wool?" });
    await bob.send(roomId, {
      msgtype: "m.text",
      body: "* Llama: what is wool?",
      "m.mentions": { user_ids: [agent] },
      "m.new_content": { msgtype: "m.text", body: "Llama: what is wool?", "m.mentions": { user_ids: [agent] } },
      "m.relates_to": { rel_type: "m.replace", event_id: said },
    });
    const answer = await bob.waitMessage({ roomId, sender: agent, after: said });
    assert.equal(
      (answer.content["m.relates_to"] as Record<string, { event_id?: string }>)["m.in_reply_to"]?.event_id,
      said,
    );
    assert.match(asked(), /bob: what is wool\?$/);
  });

  it("15: nobody is greeted in a space", async () => {
    const { room_id: space } = await alice.request<{ room_id: string }>("POST", "/v3/createRoom", {
      preset: "private_chat",
      creation_content: { type: "m.space" },
      invite: [agent],
    });
    // A later item in its mailbox is handled later: when this one is greeted, that one would have been.
    const path = `/v3/rooms/${encodeURIComponent(space)}/joined_members`;
    await eventually("the agent to be in the space", async () => {
      const { joined } = await alice.request<{ joined: object }>("GET", path);
      return agent in joined;
    });
    const room = await alice.createRoom({ encrypted: false, invite: [agent] });
    await greeted(alice, room);
    assert.deepEqual(await spoken(space), []);
  });

  async function spoken(roomId: string): Promise<unknown[]> {
    const path = `/v3/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=50`;
    const { chunk } = await alice.request<{ chunk: { type: string; sender: string }[] }>("GET", path);
    return chunk.filter(({ type, sender }) => sender === agent && type !== "m.room.member");
  }

  it("16: emphasis beside characters of scripts without spaces is shown as emphasis, in the draft and in the end", async () => {
    const roomId = await group();
    const answer = await ask(alice, roomId, "**「重要」**な");
    assert.match(String(answer.content["formatted_body"]), /<strong>「重要」<\/strong>な/);
  });

  it("21: Ollama is told to refuse a prompt that is too long, because it would silently cut off the instruction", async () => {
    const roomId = await group();
    await ask(alice, roomId, "how long may I be?");
    const { truncate, shift } = ollama.chats().at(-1)?.body as { truncate?: unknown; shift?: unknown };
    assert.deepEqual([truncate, shift], [false, false]);
  });
});
