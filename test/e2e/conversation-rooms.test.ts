import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { encryptFile } from "../support/encrypted-file.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import { TRUST_ANYONE } from "../support/deployment.ts";
import type { Message, User } from "../support/user.ts";

interface Asked {
  readonly model: string;
  readonly options: { readonly temperature?: number };
  readonly messages: readonly {
    readonly role: string;
    readonly content: string;
    readonly images?: readonly string[];
  }[];
}

describe("a conversation in a room", () => {
  let ollama: OllamaServer;
  let deployment: Deployment;
  let alice: User;
  let bob: User;
  let agent: string;
  let group: string;

  before(async () => {
    ollama = await startOllamaServer(["llama3.2:3b", "llama3.2-vision:11b"]);
    deployment = await startDeployment({
      providers: { ollama: { type: "ollama", url: ollama.url } },
      agents: { llama: { provider: "ollama", model: "llama3.2:3b", display_name: "Llama" } },
      extraConfig: TRUST_ANYONE,
    });
    alice = await deployment.user("js-sdk", "alice");
    bob = await deployment.user("nio", "bob");
    agent = deployment.agent("llama");
    group = await alice.createRoom({ invite: [agent, bob.userId] });
    await bob.join(group);
    for (const person of [alice, bob]) await person.waitMember(group, agent);
  });
  after(async () => {
    await deployment.stop();
    await ollama.close();
  });

  function lastAsked(): Asked {
    return ollama.chats().at(-1)?.body as Asked;
  }

  async function tell(person: User, roomId: string, body: string, content: object = {}): Promise<Message> {
    const question = await person.send(roomId, {
      msgtype: "m.text",
      body,
      "m.mentions": { user_ids: [agent] },
      ...content,
    });
    return person.waitMessage({ roomId, sender: agent, after: question });
  }

  it("is set by its moderators, by commands that say what they did, and lasts over a restart", async () => {
    const declined = await tell(bob, group, "!temperature 0.1");
    assert.match(declined.body, /Only moderators/);
    const done = await tell(alice, group, "Llama: !temperature 0.1");
    assert.deepEqual([done.content["msgtype"], done.encrypted], ["m.notice", true]);
    assert.match(done.body, /^Done\. Temperature: 0\.1/);
    assert.match((await tell(alice, group, "!system Be a pirate")).body, /Be a pirate/);
    await deployment.stopBridge();
    await deployment.startBridge();
    await tell(bob, group, "who are you?");
    assert.equal(lastAsked().options.temperature, 0.1);
    assert.match(lastAsked().messages[0]?.content ?? "", /^Be a pirate/);
    assert.match((await tell(bob, group, "!status")).body, /Instruction: Be a pirate \(set in this room\)/);
    assert.match((await tell(bob, group, "!help")).body, /`!stop`/);
  });

  it("hears what people say to each other only once a moderator has said so", async () => {
    await bob.sendText({ roomId: group, body: "a secret of ours" });
    await tell(alice, group, "!listen on");
    await bob.sendText({ roomId: group, body: "let us meet at noon" });
    await tell(alice, group, "when do we meet?");
    const said = JSON.stringify(lastAsked().messages);
    assert.match(said, /bob: let us meet at noon/);
    assert.doesNotMatch(said, /a secret of ours/);
    await tell(alice, group, "!forget");
    await tell(alice, group, "when do we meet?");
    assert.doesNotMatch(JSON.stringify(lastAsked().messages), /noon/);
  });

  it("goes on in a thread without a mention, and apart from the rest", async () => {
    const question = await alice.sendText({ roomId: group, body: "apples?", mentions: [agent] });
    await alice.waitMessage({ roomId: group, sender: agent, after: question });
    await tell(alice, group, "pears?");
    const inThread = (reply: string): object => ({
      "m.relates_to": {
        rel_type: "m.thread",
        event_id: question,
        is_falling_back: true,
        "m.in_reply_to": { event_id: reply },
      },
    });
    await tell(alice, group, "red ones?", inThread(question));
    const more = await alice.send(group, { msgtype: "m.text", body: "and green?", ...inThread(question) });
    const answer = await alice.waitMessage({ roomId: group, sender: agent, after: more });
    assert.equal((answer.content["m.relates_to"] as { event_id?: unknown }).event_id, question);
    const said = JSON.stringify(lastAsked().messages);
    assert.match(said, /apples\?[\s\S]*red ones\?[\s\S]*and green\?/);
    assert.doesNotMatch(said, /pears/);
  });

  it("takes files, encrypted or not: text for every model, pictures for those that see", async () => {
    const roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
    const text = encryptFile(Buffer.from("the answer is 42"));
    const file = { ...text.info, url: await alice.upload(text.bytes, "application/octet-stream") };
    await tell(alice, roomId, "what does it say?", { msgtype: "m.file", filename: "a.txt", file });
    assert.match(
      lastAsked().messages.at(-1)?.content ?? "",
      /what does it say\?[\s\S]*“a\.txt”[\s\S]*the answer is 42/,
    );

    const changed = { ...file, url: await alice.upload(Buffer.from("something else"), "application/octet-stream") };
    const refused = await tell(alice, roomId, "a.txt", { msgtype: "m.file", file: changed });
    assert.match(refused.body, /could not open this file/);

    const pixels = Buffer.from("the bytes of a picture");
    const picture = {
      msgtype: "m.image",
      info: { mimetype: "image/png" },
      url: await alice.upload(pixels, "image/png"),
    };
    assert.match((await tell(alice, roomId, "cat.png", picture)).body, /can't look at pictures/);
    assert.match((await tell(alice, roomId, "!model llama3.2-vision:11b")).body, /^Done/);
    const seen = await tell(alice, roomId, "cat.png", picture);
    assert.equal(seen.content["msgtype"], "m.text");
    assert.equal(lastAsked().model, "llama3.2-vision:11b");
    assert.deepEqual(lastAsked().messages.at(-1)?.images, [pixels.toString("base64")]);
  });
});
