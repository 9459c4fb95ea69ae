import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { answeredEvent } from "../../src/matrix/relation.ts";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import type { Message, User } from "../support/user.ts";

const LIVE = "org.matrix.msc4357.live";

/** So many words, numbered, one after the other. */
function words(count: number, word = "word"): string {
  return Array.from({ length: count }, (_, index) => `${word}${index}`).join(" ");
}

describe("a conversation", () => {
  let ollama: OllamaServer;
  let deployment: Deployment;
  let alice: User;
  let agent: string;
  let roomId: string;

  before(async () => {
    ollama = await startOllamaServer(["llama3.2:3b"]);
    deployment = await startDeployment({
      providers: { ollama: { type: "ollama", url: ollama.url } },
      agents: { llama: { provider: "ollama", model: "llama3.2:3b", display_name: "Llama" } },
      // The model's next words must not become a summary.
      extraConfig: { memory: { summaries: false } },
    });
    alice = await deployment.user("js-sdk", "alice");
    agent = deployment.agent("llama");
    roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
  });
  after(async () => {
    await deployment.stop();
    await ollama.close();
  });

  /** Asks for something that the model answers slowly; resolves with the question and the answer so far. */
  async function askSlowly(answer: string, tokenMs = 50): Promise<{ question: string; draft: Message }> {
    ollama.next({ answer: () => answer, tokenMs });
    const question = await alice.sendText({ roomId, body: "tell me more" });
    return { question, draft: await alice.waitMessage({ roomId, sender: agent, after: question }) };
  }

  /** The present message, once `where` is true for it. */
  async function until(eventId: string, where: (message: Message) => boolean): Promise<Message> {
    return alice.waitMessage({ roomId, sender: agent, where: (seen) => seen.eventId === eventId && where(seen) });
  }

  function isLive({ current }: Message): boolean {
    return LIVE in current;
  }

  function repliesTo(question: string): Message[] {
    return alice
      .messages(roomId)
      .filter(({ sender, content, redacted }) => sender === agent && !redacted && answeredEvent(content) === question);
  }

  it("shows a long answer while it is made, live until it is whole, in few edits", async () => {
    const text = `**${words(120)}**`;
    const { question, draft } = await askSlowly(text);
    assert.equal(draft.encrypted, true);
    assert.ok(LIVE in draft.content);
    assert.ok(draft.body.length < text.length);
    assert.deepEqual(draft.content["m.mentions"], {}, "in a chat of two every message is for the other one");
    const whole = await until(draft.eventId, (message) => !isLive(message));
    assert.equal(whole.body, words(120));
    assert.match(String(whole.current["formatted_body"]), /^<p><strong>word0 .*word119<\/strong><\/p>$/);
    assert.ok(whole.edits >= 2 && whole.edits <= 10, `${whole.edits} edits`);
    for (const edit of alice.events(roomId).filter((event) => event.content["m.new_content"] !== undefined)) {
      assert.deepEqual(edit.content["m.mentions"], {});
      assert.deepEqual(edit.wireContent["m.relates_to"], { rel_type: "m.replace", event_id: draft.eventId });
    }
    assert.equal(repliesTo(question).length, 1);
  });

  it("shows a quick answer at once, without edits", async () => {
    ollama.next({ answer: () => "yes" });
    const question = await alice.sendText({ roomId, body: "is it so?" });
    const answer = await alice.waitMessage({ roomId, sender: agent, after: question });
    assert.deepEqual([answer.body, answer.edits, isLive(answer)], ["yes", 0, false]);
  });

  it("stops at a reaction, the model too, and keeps the answer so far", async () => {
    const { draft } = await askSlowly(words(2_000));
    const chat = ollama.chats().at(-1);
    await alice.react(roomId, draft.eventId, "🛑");
    const stopped = await until(draft.eventId, (message) => !isLive(message));
    assert.equal(await chat?.ended, "disconnected");
    assert.ok(stopped.body.startsWith("word0 word1 ") && !stopped.body.includes("word1999"));
    const more = ollama.chats().length;
    ollama.next({ answer: () => "and so on" });
    await alice.react(roomId, draft.eventId, "▶️");
    const rest = await alice.waitMessage({ roomId, sender: agent, where: ({ body }) => body === "and so on" });
    assert.equal(ollama.chats().length, more + 1);
    const { messages } = ollama.chats().at(-1)?.body as { messages: { role: string; content: string }[] };
    assert.deepEqual(
      messages.slice(-2).map(({ role }) => role),
      ["assistant", "user"],
    );
    assert.equal(messages.at(-2)?.content, stopped.body);
    assert.notEqual(rest.eventId, draft.eventId);
  });

  it("gives another answer at a reaction", async () => {
    ollama.next({ answer: () => "heads" });
    const question = await alice.sendText({ roomId, body: "toss a coin" });
    const first = await alice.waitMessage({ roomId, sender: agent, after: question });
    ollama.next({ answer: () => "tails" });
    await alice.react(roomId, first.eventId, "🔁");
    await alice.waitMessage({ roomId, sender: agent, where: ({ body }) => body === "tails" });
    assert.deepEqual(
      repliesTo(question).map(({ body }) => body),
      ["heads", "tails"],
    );
  });

  it("stops at !stop and answers again at !retry, and confirms that only by a reaction", async () => {
    const { draft } = await askSlowly(words(2_000));
    const reactionTo = (command: string, key: string): Promise<unknown> =>
      alice.waitEvent({
        roomId,
        sender: agent,
        after: command,
        where: ({ type, content }) => {
          const { event_id: target, key: seen } = content["m.relates_to"] as { event_id?: unknown; key?: unknown };
          return type === "m.reaction" && target === command && seen === key;
        },
      });
    const stop = await alice.sendText({ roomId, body: "!stop" });
    await reactionTo(stop, "🛑");
    await until(draft.eventId, (message) => !isLive(message));
    ollama.next({ answer: () => "the same anew" });
    const retry = await alice.sendText({ roomId, body: "!Retry." });
    await reactionTo(retry, "🔁");
    await alice.waitMessage({ roomId, sender: agent, where: ({ body }) => body === "the same anew" });
    const notices = alice
      .messages(roomId)
      .filter(({ sender, content }) => sender === agent && content["msgtype"] === "m.notice");
    assert.ok(notices.every(({ body }) => body.startsWith("Hello!")));
  });

  it("asks again at a reaction to the notice that there is no answer, as the notice says", async () => {
    ollama.next({ fault: { kind: "empty" } });
    const question = await alice.sendText({ roomId, body: "say something" });
    const notice = await alice.waitMessage({ roomId, sender: agent, after: question });
    assert.equal(notice.content["msgtype"], "m.notice");
    assert.match(notice.body, /React to this with 🔁 to ask again/);
    ollama.next({ answer: () => "something" });
    await alice.react(roomId, notice.eventId, "🔁");
    const answer = await alice.waitMessage({ roomId, sender: agent, where: ({ body }) => body === "something" });
    assert.deepEqual(answer.content["m.relates_to"], { "m.in_reply_to": { event_id: question } });
  });

  it("treats each part of a long answer like the whole", async () => {
    ollama.next({ answer: () => Array.from({ length: 500 }, (_, i) => `${i} ${"long ".repeat(20)}`).join("\n\n") });
    const question = await alice.sendText({ roomId, body: "tell me everything" });
    await eventually("all parts", () => repliesTo(question).length > 2);
    await alice.waitMessage({ roomId, sender: agent, where: ({ body }) => body.includes("499 long") });
    const parts = repliesTo(question);
    assert.ok(parts.every(({ content }) => JSON.stringify(content["m.mentions"]) === "{}"));
    ollama.next({ answer: () => "in short" });
    await alice.react(roomId, parts.at(-1)?.eventId ?? "", "🔁");
    await alice.waitMessage({ roomId, sender: agent, where: ({ body }) => body === "in short" });
  });

  it("answers an edited question again, in the same message", async () => {
    const question = await alice.sendText({ roomId, body: "say waht" });
    const first = await alice.waitMessage({ roomId, sender: agent, after: question });
    assert.equal(first.body, "You said: say waht");
    await alice.edit(roomId, question, "say what");
    const edited = await until(first.eventId, ({ edits }) => edits > 0);
    assert.equal(edited.body, "You said: say what");
    assert.equal(repliesTo(question).length, 1);
  });

  it("deletes the answer when the question is deleted, even while it is made", async () => {
    const secret = await alice.sendText({ roomId, body: "the password is swordfish" });
    const answer = await alice.waitMessage({ roomId, sender: agent, after: secret });
    await alice.redact(roomId, secret);
    await eventually("the answer to go", () =>
      alice.messages(roomId).some(({ eventId, redacted }) => eventId === answer.eventId && redacted),
    );
    const { question, draft } = await askSlowly(words(2_000, "hush"));
    const chat = ollama.chats().at(-1);
    await alice.redact(roomId, question);
    assert.equal(await chat?.ended, "disconnected");
    await eventually("the draft to go", () =>
      alice.messages(roomId).some(({ eventId, redacted }) => eventId === draft.eventId && redacted),
    );
    const next = await alice.sendText({ roomId, body: "what do you know?" });
    await alice.waitMessage({ roomId, sender: agent, after: next });
    const asked = JSON.stringify(ollama.chats().at(-1)?.body);
    assert.doesNotMatch(asked, /swordfish|hush/);
    assert.equal(repliesTo(question).length, 0);
  });

  it("goes on in the same message when the bridge is killed during the answer", async () => {
    const { question, draft } = await askSlowly(words(2_000));
    await deployment.stopBridge("kill");
    ollama.next({ answer: () => "all of it", tokenMs: 400 });
    await deployment.startBridge();
    const whole = await until(draft.eventId, (message) => !isLive(message));
    assert.equal(whole.body, "all of it");
    assert.equal(repliesTo(question).length, 1);
  });

  it("says below an unfinished answer why there is no more", async () => {
    ollama.next({ answer: () => words(200), tokenMs: 50, fault: { kind: "cut", atToken: 40 } });
    const question = await alice.sendText({ roomId, body: "this breaks off" });
    const draft = await alice.waitMessage({ roomId, sender: agent, after: question });
    const broken = await until(draft.eventId, (message) => !isLive(message));
    assert.match(broken.body, /^word0 word1 [\s\S]*\n\nThe connection to the model broke/);
    assert.equal(repliesTo(question).length, 1);
  });

  for (const [stream, what] of [
    ["replace", "as a message of its own that notifies, the draft gone"],
    ["off", "as a whole and not before"],
  ] as const) {
    it(`with !stream ${stream} gets an answer ${what}`, async () => {
      const room = await alice.createRoom({ direct: true, invite: [agent] });
      await alice.waitMember(room, agent);
      const command = await alice.sendText({ roomId: room, body: `!stream ${stream}` });
      const done = await alice.waitMessage({ roomId: room, sender: agent, after: command });
      const text = words(60);
      ollama.next({ answer: () => text, tokenMs: 50 });
      await alice.sendText({ roomId: room, body: "tell me" });
      // A draft may hold the whole text, too, for a moment.
      const isWhole = ({ body, edits }: Message): boolean => body === text && edits === 0;
      const whole = await alice.waitMessage({ roomId: room, sender: agent, where: isWhole });
      assert.deepEqual(whole.content["m.mentions"], {});
      await eventually("the draft to be gone", () => {
        const others = alice
          .messages(room)
          .filter((m) => m.sender === agent && m.eventId !== whole.eventId && m.eventId !== done.eventId);
        return others.length === (stream === "off" ? 0 : 1) && others.every(({ redacted }) => redacted);
      });
    });
  }
});
