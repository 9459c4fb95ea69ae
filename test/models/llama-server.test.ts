import assert from "node:assert/strict";
import { basename } from "node:path";
import { after, before, describe, it } from "node:test";
import { answeredEvent } from "../../src/matrix/relation.ts";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { encryptFile } from "../support/encrypted-file.ts";
import { eventually } from "../support/eventually.ts";
import { startRealModel, type RealModel } from "../support/tiny-model.ts";
import type { Message, User } from "../support/user.ts";

const LIVE = "org.matrix.msc4357.live";

/** Of one answer: a prompt is read at a hundred tokens a second, an answer made at forty, and the machine may have other work. */
const LONG_MS = 90_000;

const LIMIT = /Cut off at the limit of this model\. React with ▶ to go on\.$/;
const BROKEN = /The connection to the model broke before Endless had finished\. React to this with 🔁 to ask again\.$/;

/** A PNG of one pixel. */
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

/** Nothing that a model says is compared with anything: it is small, and may say what it likes. */
describe("agents on a real llama-server", () => {
  /** Ends its answers as it likes. */
  let plain: RealModel;
  /** Never ends one by itself. */
  let endless: RealModel;
  let deployment: Deployment;
  let alice: User;
  let bob: User;

  before(async () => {
    plain = await startRealModel({ contextTokens: 2048 });
    endless = await startRealModel({ contextTokens: 512, endless: true });
    const agent = (provider: string, server: RealModel, name: string): object => ({
      provider,
      model: server.model,
      display_name: name,
      temperature: 0,
    });
    deployment = await startDeployment({
      providers: {
        plain: { type: "openai", url: `${plain.url}/v1`, discover: true },
        endless: { type: "openai", url: `${endless.url}/v1` },
      },
      agents: {
        tiny: agent("plain", plain, "Tiny"),
        seeing: { ...agent("plain", plain, "Seeing"), vision: true },
        endless: { provider: "endless", model: endless.model, display_name: "Endless" },
      },
      extraConfig: { memory: { summaries: false } },
    });
    alice = await deployment.user("js-sdk", "alice");
    bob = await deployment.user("js-sdk", "bob");
  });
  after(async () => {
    await deployment.stop();
    await plain[Symbol.asyncDispose]();
    await endless[Symbol.asyncDispose]();
  });

  async function chatWith(name: string, who = alice): Promise<string> {
    const agent = deployment.agent(name);
    const roomId = await who.createRoom({ direct: true, invite: [agent] });
    await who.waitMember(roomId, agent);
    return roomId;
  }

  /** An agent's answer, once it is whole. */
  async function answerTo(question: string, roomId: string, who = alice): Promise<Message> {
    return who.waitMessage({
      roomId,
      after: question,
      where: (message) => message.sender !== who.userId && !isLive(message),
      timeoutMs: LONG_MS,
    });
  }

  async function ask(roomId: string, body: string, who = alice): Promise<Message> {
    return answerTo(await who.sendText({ roomId, body }), roomId, who);
  }

  /** Asks what has no end; resolves with the answer as far as it is shown. */
  async function askWithoutEnd(roomId: string): Promise<Message> {
    const question = await alice.sendText({ roomId, body: "Tell me a story about whales." });
    const draft = await alice.waitMessage({
      roomId,
      after: question,
      where: ({ sender }) => sender !== alice.userId,
      timeoutMs: LONG_MS,
    });
    assert.ok(isLive(draft));
    return draft;
  }

  /** The same, stopped once it is shown. */
  async function askBriefly(roomId: string, body: string): Promise<Message> {
    const question = await alice.sendText({ roomId, body });
    const where = ({ sender }: Message): boolean => sender !== alice.userId;
    const draft = await alice.waitMessage({ roomId, after: question, where, timeoutMs: LONG_MS });
    if (isLive(draft)) await alice.react(roomId, draft.eventId, "🛑");
    return whole(roomId, draft);
  }

  /** The message as it is once it is whole. */
  function whole(roomId: string, { eventId }: Message): Promise<Message> {
    const where = (message: Message): boolean => message.eventId === eventId && !isLive(message);
    return alice.waitMessage({ roomId, where, timeoutMs: LONG_MS });
  }

  function isLive({ current }: Message): boolean {
    return LIVE in current;
  }

  /** An answer in words, whatever they are. */
  function assertAnswer({ body, current, encrypted }: Message): void {
    assert.equal(current["msgtype"], "m.text", body);
    assert.match(body, /\S/);
    assert.equal(encrypted, true);
  }

  /** How often a model was asked again with less. */
  function askedAgain(): number {
    return deployment.bridge.logs().filter(({ msg }) => msg === "the model is asked again with a shorter prompt")
      .length;
  }

  it("are named after the model's file, not after its path, and answer encrypted", async () => {
    const file = basename(plain.model, ".gguf");
    assert.notEqual(plain.model, file);
    const roomId = await chatWith(file.toLowerCase());
    const { displayname: name } = await alice.request<{ displayname: string }>(
      "GET",
      `/v3/profile/${encodeURIComponent(deployment.agent(file.toLowerCase()))}/displayname`,
    );
    assert.equal(name, "SmolLM 2 Instruct (135M, Q4_1)");
    assertAnswer(await ask(roomId, "Hello!"));
    const status = await ask(roomId, "!status");
    assert.match(status.body, /“plain” with the model `?SmolLM2-135M-Instruct\.Q4_1`?/);
    assert.doesNotMatch(status.body, /site-packages/);
  });

  it("show an answer as it grows, and say where the model's limit cut it off; ▶ continues it", async () => {
    const roomId = await chatWith("endless");
    const draft = await askWithoutEnd(roomId);
    const answer = await whole(roomId, draft);
    assertAnswer(answer);
    assert.match(answer.body, LIMIT);
    // A second and more lies between two edits: a quick machine needs one while the answer grows, and the last.
    assert.ok(answer.edits >= 2 && answer.edits <= 25, `${answer.edits} edits`);
    const forms = alice
      .events(roomId)
      .flatMap(({ content }) => (content["m.new_content"] as { body: string } | undefined)?.body ?? []);
    // Formatting that is not closed yet may come to look otherwise.
    assert.deepEqual(
      forms.map(({ length }) => length),
      forms.map(({ length }) => length).toSorted((a, b) => a - b),
    );

    await alice.react(roomId, answer.eventId, "▶️");
    const more = await alice.waitMessage({
      roomId,
      after: answer.eventId,
      where: ({ sender, eventId }) => sender !== alice.userId && eventId !== answer.eventId,
      timeoutMs: LONG_MS,
    });
    await alice.react(roomId, more.eventId, "🛑");
    assertAnswer(await whole(roomId, more));
  });

  it("stop at 🛑, and so does the server", async () => {
    const roomId = await chatWith("endless");
    const draft = await askWithoutEnd(roomId);
    const before = count(await endless.log(), "cancel task");
    assert.equal(await endless.isBusy(), true);
    await alice.react(roomId, draft.eventId, "🛑");
    const stopped = await whole(roomId, draft);
    assertAnswer(stopped);
    assert.doesNotMatch(stopped.body, LIMIT);
    await eventually("the slot to be free", async () => !(await endless.isBusy()), { timeoutMs: 5_000 });
    assert.equal(count(await endless.log(), "cancel task"), before + 1);
  });

  it("say below an unfinished answer that the server went away, and answer when it is back", async () => {
    const roomId = await chatWith("endless");
    const draft = await askWithoutEnd(roomId);
    await endless.kill();
    const broken = await whole(roomId, draft);
    assertAnswer(broken);
    assert.match(broken.body, BROKEN);

    // Nothing answers, then a server that loads its model: both are waited for, without a word.
    const question = await alice.sendText({ roomId, body: "Are you there?" });
    await eventually("the server to be missed", () =>
      deployment.bridge.logs().some(({ msg, error }) => msg === "no answer" && errorOf(error).includes("ECONNREFUSED")),
    );
    await endless.restart();
    const answer = await alice.waitMessage({
      roomId,
      after: question,
      where: ({ sender }) => sender !== alice.userId,
      timeoutMs: LONG_MS,
    });
    await alice.react(roomId, answer.eventId, "🛑");
    assertAnswer(await whole(roomId, answer));

    await alice.react(roomId, broken.eventId, "🔁");
    const again = await alice.waitMessage({
      roomId,
      after: answer.eventId,
      where: ({ sender, eventId }) => sender !== alice.userId && eventId !== answer.eventId,
      timeoutMs: LONG_MS,
    });
    await alice.react(roomId, again.eventId, "🛑");
    assertAnswer(await whole(roomId, again));
  });

  it("answer two people who ask at once, one after the other, and tell neither of a failure", async () => {
    const rooms = [
      [alice, await chatWith("tiny", alice)],
      [bob, await chatWith("tiny", bob)],
    ] as const;
    const asked = await Promise.all(
      rooms.map(async ([who, roomId]) => {
        const question = await who.sendText({ roomId, body: "Tell me about whales in three sentences." });
        return { who, roomId, question };
      }),
    );
    for (const { who, roomId, question } of asked) {
      assertAnswer(await answerTo(question, roomId, who));
      const answers = who.messages(roomId).filter(({ content }) => answeredEvent(content) === question);
      assert.ok(answers.every(({ content }) => content["msgtype"] === "m.text"));
    }
  });

  it("say that they can't see a picture, or that the server refused it, and answer the next question", async () => {
    const { bytes, info } = encryptFile(PIXEL);
    for (const [name, says] of [
      ["tiny", /^Tiny can't look at pictures/],
      ["seeing", /^“plain” could not run the model “[^/]*” for Seeing/],
    ] as const) {
      const roomId = await chatWith(name);
      const file = { ...info, url: await alice.upload(bytes, "application/octet-stream") };
      const picture = { msgtype: "m.image", body: "whale.png", info: { mimetype: "image/png" }, file };
      const notice = await answerTo(await alice.send(roomId, picture), roomId);
      assert.equal(notice.content["msgtype"], "m.notice");
      assert.match(notice.body, says);
      assertAnswer(await askBriefly(roomId, "Hello!"));
      assertAnswer(await askBriefly(roomId, "And what else?"));
    }
  });

  it("learn from the server's refusal how much it reads, and still answer", async () => {
    const roomId = await chatWith("tiny");
    const story = "The whale swam through the quiet sea and sang a song for all who would hear it. ".repeat(12);
    for (const end of ["first", "second", "third"])
      assertAnswer(await askBriefly(roomId, `${story} This was the ${end} part.`));
    // The bridge knows it with more, and asks accordingly.
    await plain.restart(512);
    const before = askedAgain();
    assertAnswer(await askBriefly(roomId, "Did you like it?"));
    assert.equal(askedAgain(), before + 1);
    assert.match(await plain.log(), /exceeds the available context size \(512 tokens\)/);
    assertAnswer(await askBriefly(roomId, "Why?"));
    assert.equal(askedAgain(), before + 1, "the learnt limit holds");
  });

  it("answer a text with more tokens than the estimate", async () => {
    const roomId = await chatWith("tiny");
    const before = askedAgain();
    // Thaana: two tokens a letter for a model that does not know it.
    assertAnswer(await askBriefly(roomId, `${"ދިވެހިބަސް ".repeat(60)} What does this mean?`));
    assert.equal(askedAgain(), before + 1);
  });

  it("leave no word of anybody's in the server's log", async () => {
    for (const log of [await plain.log(), await endless.log()]) assert.doesNotMatch(log, /whale|Hello|ދި/i);
  });
});

function count(text: string, part: string): number {
  return text.split(part).length - 1;
}

function errorOf(error: unknown): string {
  return JSON.stringify(error ?? null);
}
