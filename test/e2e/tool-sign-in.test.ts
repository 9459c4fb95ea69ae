import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { openAs, startToolsWithSignIn, type ToolsWithSignIn } from "../support/authorization-server.ts";
import { answerTo } from "../support/calling-chat.ts";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { dumpDatabase, tracesOf } from "../support/dump.ts";
import { eventually } from "../support/eventually.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import type { Message, User } from "../support/user.ts";

const MODEL = "llama3.2:3b";

/** The tools that a model was offered. */
interface Asked {
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
}

describe("a tool server to which each person signs in", () => {
  let ollama: OllamaServer;
  let tools: ToolsWithSignIn;
  let deployment: Deployment;
  let alice: User;
  let bob: User;
  let agent: string;
  /** The room of both. */
  let shared: string;
  /** The direct chat that the agent has made with Alice. */
  let chat: string;

  before(async () => {
    tools = await startToolsWithSignIn();
    ollama = await startOllamaServer([MODEL]);
    ollama.install(MODEL, { answer: (messages) => `I was told: ${messages.at(-1)?.content ?? ""}` });
    deployment = await startDeployment({
      providers: { ollama: { type: "ollama", url: ollama.url } },
      agents: { llama: { provider: "ollama", model: MODEL, display_name: "Llama" } },
      extraConfig: {
        memory: { summaries: false },
        tools: {
          tickets: {
            type: "http",
            url: tools.url,
            sign_in: { issuer: tools.issuer },
            tools: { "*": "never", close: "ask" },
          },
        },
      },
    });
    agent = deployment.agent("llama");
    [alice, bob] = await Promise.all([deployment.user("js-sdk", "alice"), deployment.user("js-sdk", "bob")]);
    shared = await alice.createRoom({ invite: [agent, bob.userId] });
    await bob.join(shared);
    await alice.waitMember(shared, agent);
    await alice.waitMember(shared, bob.userId);
  });
  after(async () => {
    await deployment.stop();
    await ollama.close();
    await tools[Symbol.asyncDispose]();
  });

  /** The agent's answer to a person in the shared room, for which its model calls a tool. */
  async function calls(person: User, tool: string): Promise<string> {
    ollama.next({ answer: () => "", calls: [{ name: `tickets__${tool}`, arguments: {} }] });
    const question = await person.sendText({ roomId: shared, body: "What is open?", mentions: [agent] });
    const where = ({ sender, current }: Message): boolean =>
      sender === agent && !("org.matrix.msc4357.live" in current);
    return (await person.waitMessage({ roomId: shared, after: question, where })).body;
  }

  const offered = (): readonly string[] =>
    (ollama.chats().at(-1)?.body as Asked).tools?.map(({ function: { name } }) => name) ?? [];

  /** The direct chat to which the agent invites somebody. */
  async function invitedChat(person: User): Promise<string> {
    const roomId = await eventually("an invite", async () => {
      const { rooms } = await person.request<{ rooms?: { invite?: object } }>("GET", "/v3/sync?timeout=0");
      return Object.keys(rooms?.invite ?? {})[0];
    });
    await person.join(roomId);
    return roomId;
  }

  function linkIn({ body, encrypted }: Message): string {
    assert.equal(encrypted, true);
    const [, link = ""] = / (http\S+)/.exec(body) ?? [];
    assert.ok(link.startsWith(tools.issuer), body);
    return link;
  }

  it("is signed in to by a link in a direct chat, which the agent makes when a question needs it", async () => {
    const said = await calls(alice, "sign_in");
    assert.match(said, /has to sign in to tickets first\. They have been sent a link/);
    assert.doesNotMatch(said, /http/);
    assert.deepEqual(tools.calls, []);
    chat = await invitedChat(alice);
    const link = linkIn(await alice.waitMessage({ roomId: chat, sender: agent }));
    const address = await openAs("alice", link);
    const done = await answerTo(alice, chat, `!tools sign-in tickets ${address}`);
    assert.match(done.body, /^You have signed in to tickets/);
    assert.equal(done.encrypted, true);
    assert.equal(await calls(alice, "whoami"), "I was told: you are alice");
    assert.deepEqual(offered(), ["tickets__whoami", "tickets__close", "tickets__only_alice"]);
    assert.match((await answerTo(alice, chat, "!tools")).body, /You have signed in to tickets/);
  });

  it("is used in a room of several people by each with her own rights only", async () => {
    const chat = await bob.createRoom({ direct: true, invite: [agent] });
    await bob.waitMember(chat, agent);
    // Alice has signed in, and that is nothing to Bob.
    const before = tools.calls.length;
    assert.match(await calls(bob, "whoami"), /there is no tool of that name/);
    assert.deepEqual(offered(), ["tickets__sign_in"]);
    assert.match(await calls(bob, "sign_in"), /They have been sent a link/);
    assert.equal(tools.calls.length, before);
    const link = linkIn(
      await bob.waitMessage({ roomId: chat, sender: agent, where: ({ body }) => body.includes(" http") }),
    );
    // Alice can't use Bob's link for herself, and nobody brings it to an end in the room.
    const stolen = await openAs("alice", link);
    const toldInRoom = await answerTo(alice, shared, `@llama !tools sign-in tickets ${stolen}`);
    assert.match(toldInRoom.body, /between the two of us/);
    // What others have seen is spoiled, so Bob asks for another link.
    const another = linkIn(await answerTo(bob, chat, "!tools sign-in tickets"));
    const done = await answerTo(bob, chat, `!tools sign-in tickets ${await openAs("bob", another)}`);
    assert.match(done.body, /^You have signed in/);
    assert.equal(await calls(bob, "whoami"), "I was told: you are bob");
    assert.deepEqual(offered(), ["tickets__whoami", "tickets__close", "tickets__only_bob"]);
    assert.equal(await calls(alice, "only_alice"), "I was told: you are alice");
    assert.match(await calls(alice, "only_bob"), /there is no tool of that name/);
    assert.deepEqual(tools.calls.slice(before), ["bob whoami", "alice only_alice"]);
  });

  it("is used with nobody's rights but the asker's, whoever agrees, and however long", async () => {
    const before = tools.calls.length;
    ollama.next({ answer: () => "", calls: [{ name: "tickets__close", arguments: {} }] });
    const question = await bob.sendText({ roomId: shared, body: "Close it!", mentions: [agent] });
    const asked = await alice.waitMessage({
      roomId: shared,
      after: question,
      where: ({ body }) => body.includes("!approve"),
    });
    const [, code = ""] = /!approve ([A-Z]{4})/.exec(asked.body) ?? [];
    await alice.sendText({ roomId: shared, body: `!approve ${code} always` });
    await bob.waitMessage({ roomId: shared, after: question, where: ({ body }) => body === "I was told: you are bob" });
    // For good, and still each as herself.
    assert.equal(await calls(alice, "close"), "I was told: you are alice");
    assert.equal(await calls(bob, "close"), "I was told: you are bob");
    assert.deepEqual(tools.calls.slice(before), ["bob close", "alice close", "bob close"]);
    const carol = await deployment.user("js-sdk", "carol");
    await alice.invite(shared, carol.userId);
    await carol.join(shared);
    assert.match(await calls(carol, "close"), /there is no tool of that name/);
    assert.deepEqual(offered(), ["tickets__sign_in"]);
  });

  it("asks a person once in a question for further rights, which she sees before she agrees", async () => {
    tools.behaviour.wantsMore = "whoami";
    const call = { name: "tickets__whoami", arguments: {} };
    ollama.next({ answer: () => "", calls: [call, call] });
    ollama.next({ answer: () => "", calls: [call] });
    const after = alice.messages(chat).at(-1)?.eventId;
    const question = await alice.sendText({ roomId: shared, body: "Who am I?", mentions: [agent] });
    const said = await alice.waitMessage({
      roomId: shared,
      after: question,
      where: ({ body }) => body.includes("wants further rights"),
    });
    assert.match(said.body, /were asked for rights once already/);
    const isAsking = ({ body }: Message): boolean =>
      body.includes("further rights of yours") && body.includes("tickets:close");
    const asked = await alice.waitMessage({ roomId: chat, ...(after === undefined ? {} : { after }), where: isAsking });
    assert.match(asked.body, /do nothing/);
    assert.equal(alice.messages(chat).filter(isAsking).length, 1);
    const done = await answerTo(alice, chat, `!tools sign-in tickets ${await openAs("alice", linkIn(asked))}`);
    assert.match(done.body, /^You have signed in/);
    assert.equal(await calls(alice, "whoami"), "I was told: you are alice");
    tools.behaviour.wantsMore = undefined;
  });

  it("is used for words alone that came encrypted, and for no repetition", async () => {
    const before = tools.calls.length;
    const next = (): void => ollama.next({ answer: () => "", calls: [{ name: "tickets__whoami", arguments: {} }] });
    const after = (roomId: string, event: string, pattern: RegExp): Promise<Message> =>
      alice.waitMessage({ roomId, after: event, sender: agent, where: ({ body }) => pattern.test(body) });
    // As a homeserver could send it in Alice's name.
    const content = { msgtype: "m.text", body: "@llama whose are they?", "m.mentions": { user_ids: [agent] } };
    const send = (roomId: string): Promise<{ event_id: string }> =>
      alice.request("PUT", `/v3/rooms/${encodeURIComponent(roomId)}/send/m.room.message/forged`, content);
    await after(shared, (await send(shared)).event_id, /did not read this message/);
    const clear = await alice.createRoom({ encrypted: false, invite: [agent] });
    await alice.waitMember(clear, agent);
    next();
    // No tool is offered there, so the model's call is none.
    await after(clear, (await send(clear)).event_id, /had nothing to say/);
    assert.deepEqual(tools.calls.slice(before), []);
    // As it could react in her name.
    assert.equal(await calls(alice, "whoami"), "I was told: you are alice");
    const asked = alice.messages(shared).findLast(({ sender }) => sender === alice.userId)?.eventId ?? "";
    next();
    await alice.react(shared, asked, "🔁");
    await after(shared, asked, /had nothing to say/);
    assert.deepEqual(tools.calls.slice(before), ["alice whoami"]);
  });

  it("never has a link or a code in clear", async () => {
    const clear = await alice.createRoom({ direct: true, encrypted: false, invite: [agent] });
    await alice.waitMember(clear, agent);
    const said = await answerTo(alice, clear, "!tools sign-in tickets");
    assert.match(said.body, /in an encrypted direct chat/);
    assert.doesNotMatch(said.body, /http/);
  });

  it("goes on with a new token when one ends, and after a restart", async () => {
    const grants = tools.grants.length;
    await deployment.stopBridge("kill");
    await deployment.startBridge();
    assert.equal(await calls(bob, "whoami"), "I was told: you are bob");
    assert.equal(tools.grants.length, grants);
    tools.end("bob");
    assert.match(await calls(bob, "whoami"), /has to sign in to tickets first/);
  });

  it("leaves no code or token in the database, the log or the models' prompts", async () => {
    assert.ok(tools.secrets.length > 6);
    const dump = await dumpDatabase(deployment.settings.database ?? "");
    assert.notEqual(dump.get("tool_sign_ins"), "");
    const places = [...dump.values(), JSON.stringify(deployment.bridge.logs()), JSON.stringify(ollama.requests)];
    for (const secret of tools.secrets)
      for (const trace of tracesOf(secret)) assert.ok(places.every((place) => !place.includes(trace)));
  });

  it("is left by the person, at once", async () => {
    const chat = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(chat, agent);
    assert.match((await answerTo(alice, chat, "!tools sign-out tickets")).body, /not signed in to tickets any more/);
    assert.match(await calls(alice, "whoami"), /there is no tool of that name/);
    await eventually("the tokens to be revoked", () => tools.revoked.length > 0);
  });
});
