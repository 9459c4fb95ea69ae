import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { answerTo, chatWith } from "../support/calling-chat.ts";
import { startDeployment, TRUST_ANYONE, type Deployment } from "../support/deployment.ts";
import { decryptFile } from "../support/encrypted-file.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import { png } from "../support/pictures.ts";
import { realToolServer, UNKIND_TOOL_SERVER } from "../support/tool-servers.ts";
import type { Message, User } from "../support/user.ts";

interface SentFile {
  readonly url: string;
}

describe("pictures and files that tools return", () => {
  let ollama: OllamaServer;
  let deployment: Deployment;
  let alice: User;
  let bob: User;

  before(async () => {
    ollama = await startOllamaServer(["llama3.2:3b"]);
    const program = { type: "stdio", command: process.execPath, sandbox: "none", locality: "local" };
    deployment = await startDeployment({
      providers: { ollama: { type: "ollama", url: ollama.url } },
      agents: { llama: { provider: "ollama", model: "llama3.2:3b", display_name: "Llama" } },
      extraConfig: {
        ...TRUST_ANYONE,
        memory: { summaries: false },
        tools: {
          everything: { ...program, args: [realToolServer("everything"), "stdio"], tools: { "*": "never" } },
          asking: {
            ...program,
            args: [realToolServer("everything"), "stdio"],
            tools: { "*": "refuse", echo: "always_ask" },
          },
          hostile: { ...program, args: [UNKIND_TOOL_SERVER, "answers nonsense"], tools: { work: "never" } },
        },
      },
    });
    [alice, bob] = await Promise.all([deployment.user("js-sdk", "alice"), deployment.user("nio", "bob")]);
  });
  after(async () => {
    await deployment.stop();
    await ollama.close();
  });

  /** The agent calls a tool; resolves with its answer, and the message that follows it. */
  async function show(person: User, roomId: string, name: string, given: object = {}): Promise<[Message, Message]> {
    ollama.next({ answer: () => "", calls: [{ name, arguments: given }] });
    ollama.next({ answer: (messages) => `It says: ${messages.at(-1)?.content ?? ""}` });
    const answer = await answerTo(person, roomId, "Show it!");
    const sender = deployment.agent("llama");
    return [answer, await person.waitMessage({ roomId, sender, after: answer.eventId })];
  }

  for (const kind of ["js-sdk", "nio"] as const) {
    it(`come after the answer, encrypted, and ${kind} reads them`, async () => {
      const person = kind === "js-sdk" ? alice : bob;
      const roomId = await chatWith(deployment, person, "llama");
      const [answer, picture] = await show(person, roomId, "everything__get-tiny-image");
      assert.match(answer.body, /\[picture 1: picture-1\.png, image\/png, \d+ bytes\]/);
      assert.match(answer.body, /\[Sent to the room with your answer: picture 1\./);
      const { content, encrypted, body } = picture;
      assert.deepEqual([content["msgtype"], body, encrypted], ["m.image", "picture-1.png", true]);
      assert.equal(content["url"], undefined);
      const file = content["file"] as SentFile;
      const stored = await person.download(file.url);
      const bytes = kind === "nio" ? await person.decryptedFile(file) : decryptFile(stored, file);
      assert.equal(Buffer.from(bytes.subarray(1, 4)).toString(), "PNG");
      assert.equal((content["info"] as { size: number }).size, bytes.byteLength);
      assert.ok(!Buffer.from(stored).includes("PNG"), "the homeserver can't read it");
      assert.deepEqual(content["m.mentions"], {});
    });
  }

  it("and calls that matrix-nio's user agrees to, or refuses, are made, or not", async () => {
    const roomId = await chatWith(deployment, bob, "llama");
    const sender = deployment.agent("llama");
    for (const [word, outcome] of [
      ["!approve", /^It says: Echo: Moin$/],
      ["!refuse", /^It says: Not done: a person has refused this/],
    ] as const) {
      ollama.next({ answer: () => "", calls: [{ name: "asking__echo", arguments: { message: "Moin" } }] });
      ollama.next({ answer: (messages) => `It says: ${messages.at(-1)?.content ?? ""}` });
      const asked = await answerTo(bob, roomId, "Say it!");
      assert.equal(asked.encrypted, true);
      const [, code = ""] = /!approve ([A-Z]{4})/.exec(asked.body) ?? [];
      const answer = await answerTo(bob, roomId, `${word} ${code}`);
      assert.match(answer.body, outcome);
      assert.equal((await bob.waitMessage({ roomId, sender, after: asked.eventId })).encrypted, true);
    }
  });

  it("come in the thread of the question, and in clear only where the room is", async () => {
    const agent = deployment.agent("llama");
    const roomId = await alice.createRoom({ direct: true, invite: [agent], encrypted: false });
    await alice.waitMember(roomId, agent);
    const root = await alice.sendText({ roomId, body: "A thread." });
    await alice.waitMessage({ roomId, sender: agent, after: root });
    ollama.next({ answer: () => "", calls: [{ name: "everything__get-tiny-image", arguments: {} }] });
    ollama.next({ answer: () => "There." });
    const question = await alice.send(roomId, {
      msgtype: "m.text",
      body: "Show it!",
      "m.relates_to": {
        rel_type: "m.thread",
        event_id: root,
        is_falling_back: true,
        "m.in_reply_to": { event_id: root },
      },
    });
    const where = ({ content }: Message): boolean => content["msgtype"] === "m.image";
    const { content } = await alice.waitMessage({ roomId, sender: agent, after: question, where });
    assert.equal((content["m.relates_to"] as { event_id?: string }).event_id, root);
    assert.equal(Buffer.from((await alice.download(String(content["url"]))).subarray(1, 4)).toString(), "PNG");
  });

  it("are files, under harmless names, where a server lies about them, and links lead nowhere", async () => {
    const roomId = await chatWith(deployment, alice, "llama");
    const page = Buffer.from("<script>alert(1)</script>").toString("base64");
    const what = {
      content: [
        { type: "resource_link", uri: "http://evil.example/a.png", name: "a" },
        { type: "image", data: page, mimeType: "image/png" },
        {
          type: "resource",
          resource: { uri: "x://h/..%2f..%2f@room \u202egpj.exe\n", blob: page, mimeType: "image/png" },
        },
        { type: "image", data: png(2, 3).toString("base64"), mimeType: "text/html" },
        { type: "image", url: "mxc://other.example/picture" },
      ],
    };
    const [, first] = await show(alice, roomId, "hostile__work", { what });
    const second = await alice.waitMessage({ roomId, after: first.eventId });
    const third = await alice.waitMessage({ roomId, after: second.eventId });
    assert.deepEqual(
      [first, second, third].map(({ content }) => [
        content["msgtype"],
        (content["info"] as { mimetype: string }).mimetype,
      ]),
      [
        ["m.file", "text/plain"],
        ["m.file", "text/plain"],
        ["m.image", "image/png"],
      ],
    );
    assert.equal(second.body.replace("\u2060", ""), "_.._@room gpj.exe");
    assert.doesNotMatch(second.body, /@room/);
    assert.ok(!JSON.stringify([first, second, third]).includes("evil.example"));
  });
});
