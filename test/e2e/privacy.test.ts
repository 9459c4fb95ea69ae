import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { answeredEvent } from "../../src/matrix/relation.ts";
import { prepareDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { json, openAi, startModelServer, type ModelServer } from "../support/model-server.ts";
import { inCheckout } from "../support/paths.ts";
import type { Message, User } from "../support/user.ts";

describe("the privacy of a conversation", () => {
  let cloud: ModelServer;
  let near: ModelServer;
  let canary: ModelServer;
  let deployment: Deployment;
  let alice: User;
  let bob: User;
  let claude: string;
  let room: string;

  before(async () => {
    [cloud, near, canary] = await Promise.all([startModelServer(), startModelServer(), startModelServer()]);
    for (const [server, name] of [
      [cloud, "the cloud"],
      [near, "nearby"],
    ] as const) {
      server.on(openAi.path, { parts: openAi.answer(`Hello from ${name}.`) });
      server.on("/v1/models", json({ object: "list", data: [{ id: "big" }, { id: "small" }] }));
    }
    canary.on("/telemetry", json({}));
    deployment = await prepareDeployment({
      database: "postgres",
      providers: {
        cloud: { type: "openai", url: `${cloud.url}/v1`, locality: "cloud" },
        near: { type: "openai", url: `${near.url}/v1`, discover: true },
      },
      agents: {
        claude: { provider: "cloud", model: "big", display_name: "Claude" },
        llama: { provider: "near", model: "small", display_name: "Llama" },
      },
    });
    const { port } = new URL(canary.url);
    await deployment.startBridge({
      NODE_OPTIONS: `--import ${inCheckout("test/support/talkative.mjs")}`,
      CANARY_PORT: port,
    });
    alice = await deployment.user("js-sdk", "alice");
    bob = await deployment.user("js-sdk", "bob");
    claude = deployment.agent("claude");
    room = await alice.createRoom({ encrypted: false, name: "Garden club", invite: [bob.userId, claude] });
    await bob.join(room);
    await alice.waitMember(room, claude);
  });
  after(async () => {
    await deployment.stop();
    await Promise.all([cloud.close(), near.close(), canary.close()]);
  });

  async function answerTo(person: User, roomId: string, sender: string, body: string): Promise<Message> {
    const question = await person.sendText({ roomId, body, mentions: [sender] });
    const isAnswer = ({ content }: Message): boolean => answeredEvent(content) === question;
    return person.waitMessage({ roomId, sender, after: question, where: isAnswer });
  }

  const chats = (server: ModelServer): string[] =>
    server.requests.filter(({ path }) => path === openAi.path).map(({ text }) => text);

  it("is mentioned when a cloud agent joins: by its name, and in its first words", async () => {
    const welcome = await alice.waitMessage({ roomId: room, sender: claude });
    assert.equal(welcome.content["msgtype"], "m.notice");
    assert.match(welcome.body, new RegExp(`go to ${RegExp.escape(new URL(cloud.url).host)}`));
    const profile = await alice.request<{ displayname: string }>("GET", `/v3/profile/${encodeURIComponent(claude)}`);
    assert.equal(profile.displayname, "Claude (cloud)");
  });

  it("is given up only by a moderator: until they agree nothing leaves, and then the question is answered", async () => {
    const asked = await answerTo(bob, room, claude, "is this a secret?");
    assert.match(asked.body, /would send to 127\.0\.0\.1:\d+ \(“cloud”\)/);
    await bob.react(room, asked.eventId, "✅");
    const stillAsked = await answerTo(bob, room, claude, "and now?");
    assert.match(stillAsked.body, /waits for a moderator/);
    assert.deepEqual(chats(cloud), []);

    await alice.react(room, asked.eventId, "✅");
    const answer = await bob.waitMessage({
      roomId: room,
      sender: claude,
      where: ({ body }) => body.startsWith("Hello from the cloud"),
    });
    assert.equal(answer.content["msgtype"], "m.text");
    assert.match(chats(cloud)[0] ?? "", /is this a secret\?/);
    await eventually("both questions to be answered", () => chats(cloud).length === 2);
    assert.match((await answerTo(bob, room, claude, "a third")).body, /^Hello from the cloud/);

    await alice.sendText({ roomId: room, body: "Claude: !privacy default", mentions: [claude] });
    await alice.waitMessage({ roomId: room, sender: claude, where: ({ body }) => body.startsWith("Taken back") });
    const before = chats(cloud).length;
    assert.match((await answerTo(bob, room, claude, "again?")).body, /would send to/);
    assert.equal(chats(cloud).length, before);
  });

  it("is given up no longer, at once, when the admin takes the consent back", async () => {
    assert.match((await answerTo(alice, room, claude, "!privacy allow")).body, /^Agreed: messages to Claude/);
    assert.match((await answerTo(bob, room, claude, "and now?")).body, /^Hello from the cloud/);
    const taken = await deployment.command(["privacy", "withdraw", room, "claude"]);
    assert.deepEqual([taken.code, taken.stdout.trim()], [0, "1 consent taken back"], taken.stderr);
    const before = chats(cloud).length;
    assert.match((await answerTo(bob, room, claude, "still?")).body, /would send to/);
    assert.equal(chats(cloud).length, before);
    const none = await deployment.command(["privacy", "withdraw", room, "claude"]);
    assert.deepEqual([none.code, none.stdout], [1, ""]);
    assert.match(none.stderr, /no consent was given there/);
  });

  it("is kept in an encrypted room, whoever agrees, while a local agent answers there", async () => {
    const llama = deployment.agent("llama");
    const secret = await alice.createRoom({ invite: [claude, llama] });
    await alice.invite(secret, deployment.agent("big"));
    for (const agent of [claude, llama, deployment.agent("big")]) await alice.waitMember(secret, agent);
    const before = chats(cloud).length;
    const denied = await answerTo(alice, secret, claude, "hello");
    assert.equal(denied.encrypted, true);
    assert.match(denied.body, /admin of this server does not allow/);
    await alice.react(secret, denied.eventId, "✅");
    assert.match((await answerTo(alice, secret, claude, "!privacy allow")).body, /admin of this server does not allow/);
    assert.match((await answerTo(alice, secret, llama, "hello")).body, /^Hello from nearby/);
    assert.equal(chats(cloud).length, before);
    const told = await answerTo(alice, secret, llama, "!privacy");
    assert.match(
      told.body,
      /This room is encrypted[\s\S]*Claude runs elsewhere[\s\S]*admin does not allow[\s\S]*Llama runs in this server's own network/,
    );
  });

  it("is printed for every room, without a word of the conversation", async () => {
    const { stdout, code } = await deployment.command(["privacy"]);
    assert.equal(code, 0);
    assert.match(
      stdout,
      /\(Garden club\): not encrypted\n {2}@agent_claude:[^\n]*: cloud at 127\.0\.0\.1:\d+, cloud \(ask\)/,
    );
    assert.match(stdout, /: encrypted\n[\s\S]*@agent_llama:[^\n]*: near at 127\.0\.0\.1:\d+, local/);
    assert.match(stdout, /@agent_big:[^\n]*: near at 127\.0\.0\.1:\d+, local/, "one that was discovered, too");
    assert.match(stdout, /@agent_claude:[^\n]* → cloud at [^\n]* \(cloud\): requests 5,/);
    assert.doesNotMatch(stdout, /secret\?|hello/i);
  });

  it("is broken by no library: only configured targets were reached, by name or by address", () => {
    const lines = deployment.bridge.logs();
    const refused = lines.filter(({ msg }) => msg.startsWith("a connection to something that is not configured"));
    assert.ok(refused.some(({ what }) => what === canary.url.replace("http://", "")));
    assert.ok(refused.some(({ what }) => what === "the name telemetry.example.org"));
    assert.ok(!lines.some(({ msg }) => msg === "escaped"));
    assert.deepEqual(canary.requests, []);
  });
});
