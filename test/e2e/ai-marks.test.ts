import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { dump, load } from "js-yaml";
import { portrait } from "../../src/avatars/portrait.ts";
import { decryptAttachment } from "../../src/crypto/attachment.ts";
import { AI_FIELD, AI_MADE } from "../../src/matrix/ai-mark.ts";
import { startDeployment, TRUST_ANYONE, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { startHttpProxy, type HttpProxy } from "../support/http-proxy.ts";
import { json, startModelServer, type ModelServer } from "../support/model-server.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import type { Message, User } from "../support/user.ts";

describe("the mark that an AI made it", () => {
  let ollama: OllamaServer;
  let media: ModelServer;
  let proxy: HttpProxy;
  let deployment: Deployment;
  let alice: User;
  let bob: User;
  /** The calls that changed profiles. */
  const profileCalls: string[] = [];

  before(async () => {
    ollama = await startOllamaServer(["llama3.2:3b"]);
    media = await startModelServer();
    deployment = await startDeployment({
      providers: {
        demo: { type: "demo" },
        ollama: { type: "ollama", url: ollama.url },
        media: { type: "openai", url: `${media.url}/v1`, locality: "local" },
      },
      agents: {
        demo: { provider: "demo" },
        llama: { provider: "ollama", model: "llama3.2:3b" },
        painter: { provider: "media", model: "flux", makes: "pictures" },
      },
      extraConfig: { ...TRUST_ANYONE, memory: { summaries: false } },
      through: async (edge, url) => {
        if (edge !== "bridge to synapse") return url;
        proxy = await startHttpProxy(() => Number(new URL(url).port));
        proxy.intercept = (request) => {
          if (request.method !== "GET" && request.url.includes("/profile/")) {
            profileCalls.push(
              `${request.method} ${decodeURIComponent(request.url.split("?")[0]?.split("/").at(-1) ?? "")}`,
            );
          }
          return proxy.forward(request);
        };
        return proxy.url;
      },
    });
    [alice, bob] = await Promise.all([deployment.user("js-sdk", "alice"), deployment.user("nio", "bob")]);
  });
  after(async () => {
    await deployment.stop();
    await proxy.stop();
    await ollama.close();
    await media.close();
  });

  async function chat(person: User, name: string, encrypted = true): Promise<string> {
    const agent = deployment.agent(name);
    const roomId = await person.createRoom({ direct: true, invite: [agent], encrypted });
    await person.waitMember(roomId, agent);
    return roomId;
  }

  async function ask(person: User, name: string, roomId: string, body: string): Promise<Message> {
    const question = await person.sendText({ roomId, body });
    return person.waitMessage({ roomId, sender: deployment.agent(name), after: question });
  }

  /** The custom field of a user's profile; undefined where there is none. */
  async function profileMark(userId: string): Promise<unknown> {
    const profile = await alice.request("GET", `/v3/profile/${encodeURIComponent(userId)}`);
    return profile[AI_FIELD];
  }

  it("is in a model's message, inside the ciphertext, for different clients, and in plain rooms", async () => {
    for (const [person, encrypted] of [
      [alice, true],
      [bob, true],
      [bob, false],
    ] as const) {
      const answer = await ask(person, "llama", await chat(person, "llama", encrypted), "hello");
      assert.equal(answer.content[AI_FIELD], AI_MADE);
      assert.equal(AI_FIELD in answer.wireContent, !encrypted);
    }
  });

  it("is in each form of a growing answer, in the new content and beside it", async () => {
    const roomId = await chat(alice, "llama");
    ollama.next({ answer: () => Array.from({ length: 120 }, (_, index) => `word${index}`).join(" "), tokenMs: 50 });
    const draft = await ask(alice, "llama", roomId, "tell me more");
    assert.equal(draft.content[AI_FIELD], AI_MADE);
    const whole = await alice.waitMessage({
      roomId,
      sender: deployment.agent("llama"),
      where: (seen) => seen.eventId === draft.eventId && seen.body.endsWith("word119"),
    });
    assert.equal(whole.current[AI_FIELD], AI_MADE);
    const edits = alice.events(roomId).filter(({ content }) => content["m.new_content"] !== undefined);
    assert.ok(edits.length >= 2);
    for (const { content, wireContent } of edits) {
      assert.equal(content[AI_FIELD], AI_MADE);
      assert.equal((content["m.new_content"] as Record<string, unknown>)[AI_FIELD], AI_MADE);
      assert.ok(!(AI_FIELD in wireContent));
    }
  });

  it("is not in the bridge's own words, nor in those of the demo, which is no model", async () => {
    const roomId = await chat(alice, "llama");
    const status = await ask(alice, "llama", roomId, "!status");
    ollama.next({ fault: { kind: "status", status: 400, error: "no" } });
    const failure = await ask(alice, "llama", roomId, "hello?");
    const demo = await ask(alice, "demo", await chat(alice, "demo"), "hello");
    assert.deepEqual(
      [status, failure].map(({ content }) => content["msgtype"]),
      ["m.notice", "m.notice"],
    );
    for (const { content } of [status, failure, demo]) assert.ok(!(AI_FIELD in content), JSON.stringify(content));
  });

  it("is in a picture's metadata and in its message", async () => {
    const drawn = portrait("a cat");
    media.on("/v1/images/generations", json({ created: 1, data: [{ b64_json: drawn.toString("base64") }] }));
    const { content } = await ask(alice, "painter", await chat(alice, "painter"), "a cat");
    assert.equal(content[AI_FIELD], AI_MADE);
    const { file, info } = content as { file: { url: string }; info: { size: number } };
    const picture = await decryptAttachment(await alice.download(file.url), file);
    assert.equal(info.size, picture.byteLength);
    assert.match(
      Buffer.from(picture).toString("latin1"),
      /XML:com\.adobe\.xmp.*digitalsourcetype\/trainedAlgorithmicMedia/s,
    );
  });

  it("is in a model's profile; a second start asks nothing about it", async () => {
    const mark = (name: string): Promise<unknown> => profileMark(deployment.agent(name));
    await eventually("the marks", async () => (await mark("llama")) === AI_MADE && (await mark("painter")) === AI_MADE);
    assert.equal(await mark("demo"), undefined);
    assert.equal(await profileMark(`@agents:${deployment.synapse.serverName}`), undefined);
    assert.equal(profileCalls.filter((call) => call === `PUT ${AI_FIELD}`).length, 2);
    await deployment.stopBridge();
    profileCalls.length = 0;
    await deployment.startBridge();
    await ask(alice, "llama", await chat(alice, "llama"), "hello again");
    assert.deepEqual(profileCalls, []);
  });

  it("goes where the admin wants none, while the bridge runs", async () => {
    const { config } = deployment.files;
    const settings = load(await readFile(config, "utf8")) as { answers: object };
    await writeFile(config, dump({ ...settings, answers: { ...settings.answers, ai_marks: false } }), { mode: 0o600 });
    process.kill(deployment.bridge.pid, "SIGHUP");
    await eventually("the marks to go", async () => (await profileMark(deployment.agent("llama"))) === undefined);
    assert.ok(!(AI_FIELD in (await ask(alice, "llama", await chat(alice, "llama"), "hello")).content));
  });
});
