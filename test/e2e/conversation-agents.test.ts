import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { startOllamaServer, type OllamaMessage, type OllamaServer } from "../support/ollama-server.ts";
import type { Message, User } from "../support/user.ts";

const LIVE = "org.matrix.msc4357.live";

describe("a conversation with several agents", () => {
  let ollama: OllamaServer;
  let deployment: Deployment;
  let alice: User;
  let llama: string;
  let qwen: string;
  let roomId: string;

  before(async () => {
    ollama = await startOllamaServer(["llama3.2:3b", "qwen2.5:7b"]);
    deployment = await startDeployment({
      providers: { ollama: { type: "ollama", url: ollama.url } },
      agents: {
        llama: { provider: "ollama", model: "llama3.2:3b", display_name: "Llama" },
        qwen: { provider: "ollama", model: "qwen2.5:7b", display_name: "Qwen" },
      },
    });
    [llama, qwen] = [deployment.agent("llama"), deployment.agent("qwen")];
    alice = await deployment.user("js-sdk", "alice");
    roomId = await alice.createRoom({ invite: [llama, qwen] });
    for (const agent of [llama, qwen]) await alice.waitMember(roomId, agent);
  });
  after(async () => {
    await deployment.stop();
    await ollama.close();
  });

  /** The models' answers; slow where there are many words, so that drafts are shown. */
  function say(model: string, answer: (messages: readonly OllamaMessage[]) => string, tokenMs = 0): void {
    ollama.install(model, { answer, tokenMs });
  }

  function ask(body: string, ...agents: string[]): Promise<string> {
    return alice.sendText({ roomId, body, mentions: agents });
  }

  async function whole(
    sender: string,
    question: string,
    where: (body: string) => boolean = () => true,
  ): Promise<Message> {
    return alice.waitMessage({
      roomId,
      sender,
      after: question,
      where: (seen) => !(LIVE in seen.current) && seen.current["msgtype"] === "m.text" && where(seen.body),
    });
  }

  it("is answered by both when both are asked, and each hears the other's answer", async () => {
    say("llama3.2:3b", () => "Tea, since it is calmer.");
    say("qwen2.5:7b", () => "Coffee, since it is quicker.");
    const question = await ask("compare tea and coffee", llama, qwen);
    await whole(llama, question);
    await whole(qwen, question);
    say("qwen2.5:7b", (messages) => JSON.stringify(messages));
    const asked = await ask("do you agree with Llama?", qwen);
    const { body, encrypted } = await whole(qwen, asked);
    assert.equal(encrypted, true);
    assert.match(body, /Llama: Tea, since it is calmer\./);
  });

  it("goes on among agents once one may ask another, on its whole answer alone, and comes back to the asker", async () => {
    const set = await ask("Llama: !delegate on", llama);
    await alice.waitMessage({ roomId, sender: llama, after: set, where: ({ body }) => body.startsWith("Done.") });
    const call = `@agent_qwen: what is 6 times 7? ${Array.from({ length: 60 }, (_, i) => `w${i}`).join(" ")}`;
    say("llama3.2:3b", () => call, 30);
    say("qwen2.5:7b", (messages) => `It is 42. Whole: ${messages.at(-1)?.content.endsWith(`Llama: ${call}`)}`);
    const before = ollama.chats().length;
    const question = await ask("what is 6 times 7?", llama);
    const asking = await whole(llama, question);
    assert.ok(asking.edits > 0, "it was shown while it was made");
    const answer = await whole(qwen, question);
    assert.deepEqual(answer.content["m.relates_to"], { "m.in_reply_to": { event_id: asking.eventId } });
    assert.deepEqual(answer.current["m.mentions"], { user_ids: [alice.userId] });
    assert.match(answer.body, /Whole: true$/);
    assert.equal(ollama.chats().length, before + 2);
  });

  it("is a discussion with a number of turns, in a thread, and ends there", async () => {
    say("llama3.2:3b", () => "Yes, it is.");
    say("qwen2.5:7b", () => "No, it is not.");
    const command = await ask("Llama: !discuss 3 Qwen Is water wet?", llama, qwen);
    const begun = await alice.waitMessage({ roomId, sender: llama, after: command });
    assert.match(begun.body, /^Llama and Qwen discuss this in 3 turns/);
    const last = await alice.waitMessage({
      roomId,
      sender: llama,
      after: command,
      where: ({ current }) => JSON.stringify(current["m.mentions"]).includes(alice.userId),
    });
    const thread = alice
      .messages(roomId)
      .filter(({ content }) => (content["m.relates_to"] as { event_id?: string } | undefined)?.event_id === command)
      .filter(({ content }) => content["msgtype"] === "m.text");
    assert.deepEqual(
      thread.map(({ sender, body }) => `${sender === llama ? "Llama" : "Qwen"}: ${body}`),
      ["Llama: Yes, it is.", "Qwen: No, it is not.", "Llama: Yes, it is."],
    );
    assert.equal(last.eventId, thread.at(-1)?.eventId);
  });

  it("is the same discussion, with no turn lost or doubled, when the bridge is killed during it", async () => {
    const words = Array.from({ length: 40 }, (_, i) => `word${i}`).join(" ");
    say("llama3.2:3b", () => `Llama says: ${words}`, 40);
    say("qwen2.5:7b", () => `Qwen says: ${words}`, 40);
    const command = await ask("Llama: !discuss 4 Qwen Is ice cold?", llama, qwen);
    for (const speaker of [llama, qwen]) {
      await alice.waitMessage({ roomId, sender: speaker, after: command, where: ({ current }) => LIVE in current });
      await deployment.stopBridge("kill");
      await deployment.startBridge();
    }
    await alice.waitMessage({
      roomId,
      sender: qwen,
      after: command,
      where: ({ current }) => !(LIVE in current) && JSON.stringify(current["m.mentions"]).includes(alice.userId),
    });
    const said = alice
      .messages(roomId)
      .filter(({ content, redacted }) => {
        const relation = content["m.relates_to"] as { event_id?: string } | undefined;
        return relation?.event_id === command && content["msgtype"] === "m.text" && !redacted;
      })
      .map(({ body }) => body);
    assert.deepEqual(
      said,
      ["Llama", "Qwen", "Llama", "Qwen"].map((name) => `${name} says: ${words}`),
    );
  });

  it("is ended by a moderator's stop, while it runs, for all agents", async () => {
    const words = Array.from({ length: 400 }, (_, i) => `word${i}`).join(" ");
    say("llama3.2:3b", () => words, 50);
    say("qwen2.5:7b", () => words, 50);
    const command = await ask("Llama: !discuss 10 Qwen Is fire hot?", llama, qwen);
    await alice.waitMessage({
      roomId,
      sender: llama,
      after: command,
      where: ({ current }) => LIVE in current,
    });
    await alice.sendText({ roomId, body: "!stop" });
    const stopped = await whole(llama, command);
    assert.ok(stopped.body.length < words.length);
    const before = ollama.chats().length;
    // Both are there, and have nothing left to say.
    say("llama3.2:3b", () => "Here.");
    say("qwen2.5:7b", () => "Here.");
    const question = await ask("are you both there?", llama, qwen);
    await whole(llama, question, (body) => body === "Here.");
    await whole(qwen, question, (body) => body === "Here.");
    assert.equal(ollama.chats().length, before + 2);
  });

  it("is in people's language, where the bridge itself says something", async () => {
    const direct = await alice.createRoom({ direct: true, invite: [qwen] });
    await alice.waitMember(direct, qwen);
    const tell = async (body: string): Promise<string> => {
      const question = await alice.sendText({ roomId: direct, body });
      return (await alice.waitMessage({ roomId: direct, sender: qwen, after: question })).body;
    };
    assert.match(await tell("!status"), /^I am Qwen/);
    await tell("Was ist die Hauptstadt von Frankreich?");
    assert.match(await tell("!status"), /^Ich bin Qwen/);
    ollama.next({ fault: { kind: "empty" } });
    assert.match(await tell("Und von Spanien, weißt du das auch?"), /^Qwen hatte nichts zu sagen/);
    // A change of language is confirmed in the new language.
    assert.match(await tell("!language en"), /^Done\./);
    assert.match(await tell("!status"), /^I am Qwen/);
  });
});
