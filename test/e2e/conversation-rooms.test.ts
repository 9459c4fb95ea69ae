import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startDeployment, type Deployment, TRUST_ANYONE } from "../support/deployment.ts";
import { encryptFile } from "../support/encrypted-file.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import { decryptAttachment } from "../../src/crypto/attachment.ts";
import { json, startModelServer, type ModelServer } from "../support/model-server.ts";
import { pdf } from "../support/pdf.ts";
import { png } from "../support/pictures.ts";
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
  let media: ModelServer;
  let deployment: Deployment;
  let alice: User;
  let bob: User;
  let agent: string;
  let group: string;

  before(async () => {
    ollama = await startOllamaServer(["llama3.2:3b", "llama3.2-vision:11b"]);
    media = await startModelServer();
    deployment = await startDeployment({
      providers: {
        ollama: { type: "ollama", url: ollama.url },
        media: { type: "openai", url: `${media.url}/v1` },
      },
      agents: {
        llama: { provider: "ollama", model: "llama3.2:3b", display_name: "Llama" },
        painter: { provider: "media", model: "flux", makes: "pictures", display_name: "Painter" },
      },
      extraConfig: { ...TRUST_ANYONE, transcription: { provider: "media", model: "whisper-1" } },
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
    await media.close();
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

  it("is configured by its moderators, by commands that confirm the change, and keeps that over a restart", async () => {
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
    assert.match((await tell(bob, group, "!help")).body, /• !stop/);
  });

  it("includes people's words to each other only once a moderator has chosen so", async () => {
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

  it("goes on in a thread without a mention, and separately from the rest", async () => {
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

    await tell(alice, roomId, "and what did the first one say?");
    const known = lastAsked().messages.map(({ content }) => content);
    assert.ok(known.some((content) => content.includes("the answer is 42")));
    assert.ok(known.some((content) => content.includes("can't be read any more: “a.txt”")));

    const pixels = png(640, 480);
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
    // The earlier one was not answered: both are one message of hers.
    const both = Array.from({ length: 2 }, () => pixels.toString("base64"));
    assert.deepEqual(lastAsked().messages.at(-1)?.images, both);

    for (const [bytes, refused] of [
      [Buffer.from("<!DOCTYPE html><title>no picture</title>"), /not of the type that it claims/],
      [png(50_000, 50_000), /too large/],
    ] as const) {
      const asked = ollama.chats().length;
      const other = encryptFile(bytes);
      const sent = { ...other.info, url: await alice.upload(other.bytes, "application/octet-stream") };
      const answer = await tell(alice, roomId, "dog.png", { ...picture, url: undefined, file: sent });
      assert.match(answer.body, refused);
      assert.equal(ollama.chats().length, asked, "no model is shown it");
    }

    const document = encryptFile(pdf("The treasure is under the oak."));
    const pages = { ...document.info, url: await alice.upload(document.bytes, "application/octet-stream") };
    await tell(alice, roomId, "where is it?", { msgtype: "m.file", filename: "map.pdf", file: pages });
    assert.match(lastAsked().messages.at(-1)?.content ?? "", /“map\.pdf”[\s\S]*The treasure is under the oak\./);

    media.on("/v1/audio/transcriptions", json({ text: "What time is it?" }));
    const sound = encryptFile(Buffer.from("OggS and so on"));
    const recording = { ...sound.info, url: await alice.upload(sound.bytes, "application/octet-stream") };
    await tell(alice, roomId, "Voice message.ogg", {
      msgtype: "m.audio",
      info: { mimetype: "audio/ogg", duration: 1_200 },
      file: recording,
      "org.matrix.msc3245.voice": {},
    });
    assert.match(media.requests.at(-1)?.text ?? "", /OggS and so on/);
    assert.equal(lastAsked().messages.at(-1)?.content, "What time is it?");
  });

  it("has pictures in it where an agent makes them, encrypted where the room is", async () => {
    const pixels = Buffer.from("\x89PNG\r\n\x1a\n a picture of a cat", "latin1");
    media.on("/v1/images/generations", json({ created: 1, data: [{ b64_json: pixels.toString("base64") }] }));
    const painter = deployment.agent("painter");
    for (const encrypted of [true, false]) {
      const roomId = await alice.createRoom({ direct: true, invite: [painter], encrypted });
      await alice.waitMember(roomId, painter);
      const question = await alice.sendText({ roomId, body: "a cat" });
      const { content, body } = await alice.waitMessage({ roomId, sender: painter, after: question });
      assert.deepEqual([content["msgtype"], body, content["filename"]], ["m.image", "a cat", "picture.png"]);
      const { url, file } = content as { url?: string; file?: { url: string } };
      const seen = await alice.download(file?.url ?? url ?? "");
      assert.equal(file === undefined, !encrypted);
      assert.deepEqual(Buffer.from(file === undefined ? seen : await decryptAttachment(seen, file)), pixels);
    }
  });
});
