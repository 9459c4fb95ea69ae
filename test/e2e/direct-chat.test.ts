import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { answeredEvent, ANSWERS_FIELD } from "../../src/matrix/relation.ts";
import { TRUST_ANYONE, startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import type { Message, User } from "../support/user.ts";

/** Says something and waits for the agent's answer to it. */
async function ask(person: User, roomId: string, agent: string, body: string): Promise<Message> {
  const question = await person.sendText({ roomId, body });
  const where = ({ content }: Message): boolean => answeredEvent(content) === question;
  return person.waitMessage({ roomId, sender: agent, after: question, where });
}

describe("a direct chat", () => {
  let ollama: OllamaServer;
  let deployment: Deployment;
  let alice: User;
  let bob: User;
  let agent: string;

  before(async () => {
    ollama = await startOllamaServer();
    ollama.install("slow", { firstTokenMs: 4_000 });
    deployment = await startDeployment({
      providers: { demo: { type: "demo" }, ollama: { type: "ollama", url: ollama.url } },
      agents: { demo: { provider: "demo" }, slow: { provider: "ollama", model: "slow" } },
      extraConfig: TRUST_ANYONE,
      synapse: { extraConfig: { user_directory: { enabled: true, search_all_users: true } } },
    });
    [alice, bob] = await Promise.all([deployment.user("js-sdk", "alice"), deployment.user("nio", "bob")]);
    agent = deployment.agent("demo");
  });
  after(async () => {
    await deployment.stop();
    await ollama.close();
  });

  async function chatWith(person: User, encrypted = true): Promise<string> {
    const roomId = await person.createRoom({ direct: true, encrypted, invite: [agent] });
    await person.waitMember(roomId, agent);
    return roomId;
  }

  it("is answered encrypted, without a shield, by a device that its owner has signed", async () => {
    const roomId = await chatWith(alice);
    const question = await alice.sendText({ roomId, body: "hello there" });
    const answer = await alice.waitMessage({ roomId, sender: agent, after: question });

    assert.equal(answer.encrypted, true);
    assert.equal(answer.shield?.colour, "none");
    assert.equal(answer.content["msgtype"], "m.text");
    assert.match(answer.body, /hello there/);
    assert.match(String(answer.content["formatted_body"]), /<strong>demo agent<\/strong>/);
    assert.equal(answeredEvent(answer.wireContent), question, "the relation stands outside the ciphertext");
    assert.deepEqual(await alice.deviceTrust(agent), [
      { deviceId: answer.wireContent["device_id"], signedByOwner: true },
    ]);
  });

  it("is answered for matrix-nio too, and remembers earlier messages", async () => {
    const roomId = await chatWith(bob);
    const first = await ask(bob, roomId, agent, "my favourite colour is teal");
    assert.equal(first.encrypted, true);
    const second = await ask(bob, roomId, agent, "what did I say before?");
    assert.match(second.body, /teal/);
    assert.match(second.body, /2nd message/);
  });

  it("works for a client that sends only to signed devices", async () => {
    await alice.setOnlySignedDevices(true);
    const roomId = await chatWith(alice);
    const answer = await ask(alice, roomId, agent, "can you read this?");
    await alice.setOnlySignedDevices(false);
    assert.match(answer.body, /can you read this/);
    assert.equal(answer.shield?.colour, "none");
  });

  it("is unencrypted where the room is", async () => {
    const roomId = await chatWith(bob, false);
    const answer = await ask(bob, roomId, agent, "a plain word");
    assert.equal(answer.encrypted, false);
    assert.match(answer.body, /a plain word/);
  });

  it("shows that the message was read and that the agent types, until it has answered", async () => {
    const slow = deployment.agent("slow");
    const roomId = await alice.createRoom({ direct: true, invite: [slow] });
    await alice.waitMember(roomId, slow);
    const question = await alice.sendText({ roomId, body: "read me" });
    await eventually("the read receipt", () => alice.receipts(roomId).get(slow) === question);
    await eventually("the agent to type", () => alice.typing(roomId).includes(slow));
    await alice.waitMessage({ roomId, sender: slow, after: question });
    await eventually("typing to end", () => !alice.typing(roomId).includes(slow));
  });

  it("quotes nothing and mentions nobody while question and answer follow each other, and does where they do not", async () => {
    const slow = deployment.agent("slow");
    const roomId = await alice.createRoom({ direct: true, invite: [slow] });
    await alice.waitMember(roomId, slow);
    const answerTo = (question: string): Promise<Message> =>
      alice.waitMessage({ roomId, sender: slow, where: ({ content }) => answeredEvent(content) === question });
    for (const body of ["alone", "and alone again"]) {
      const question = await alice.sendText({ roomId, body });
      const { content } = await answerTo(question);
      assert.deepEqual(content["m.mentions"], {});
      assert.deepEqual(content["m.relates_to"], { [ANSWERS_FIELD]: { event_id: question } });
    }
    const [one, two] = [
      await alice.sendText({ roomId, body: "one" }),
      await alice.sendText({ roomId, body: "and two at once" }),
    ];
    for (const question of [one, two]) {
      const { content } = await answerTo(question);
      assert.deepEqual(content["m.mentions"], { user_ids: [alice.userId] });
      assert.deepEqual(content["m.relates_to"], { "m.in_reply_to": { event_id: question } });
    }
    await alice.invite(roomId, bob.userId);
    await bob.join(roomId);
    await alice.waitMember(roomId, bob.userId);
    // With anybody else there it is a group: the agent has to be called.
    const among = await alice.sendText({ roomId, body: "are we alone?", mentions: [slow] });
    assert.deepEqual((await answerTo(among)).content["m.relates_to"], { "m.in_reply_to": { event_id: among } });
  });

  it("answers no notice, and takes an edit as a change of its message, not as a new question", async () => {
    const roomId = await chatWith(alice);
    const notice = await alice.send(roomId, { msgtype: "m.notice", body: "a notice" });
    const first = await alice.sendText({ roomId, body: "I like apples" });
    await alice.waitMessage({ roomId, sender: agent, after: first });
    const edit = await alice.edit(roomId, first, "I like pears");
    const answer = await ask(alice, roomId, agent, "what did I say before?");
    assert.match(answer.body, /pears/);

    const answered = alice
      .messages(roomId)
      .filter((message) => message.sender === agent)
      .map(({ content }) => answeredEvent(content));
    assert.ok(!answered.includes(notice));
    assert.ok(!answered.includes(edit));
    assert.equal(answered.length, 2);
  });

  it("forgets a message that was deleted", async () => {
    const roomId = await chatWith(alice);
    const secret = await alice.sendText({ roomId, body: "the password is swordfish" });
    await alice.waitMessage({ roomId, sender: agent, after: secret });
    await alice.redact(roomId, secret);
    const answer = await ask(alice, roomId, agent, "what did I say before?");
    assert.doesNotMatch(answer.body, /swordfish/);
    assert.match(answer.body, /1st message/);
  });

  it("is not any room of two that nobody called so", async () => {
    const roomId = await alice.createRoom({ invite: [agent] });
    await alice.waitMember(roomId, agent);
    await alice.sendText({ roomId, body: "just thinking aloud" });
    const asked = await alice.sendText({ roomId, body: "and now you", mentions: [agent] });
    const answer = await alice.waitMessage({ roomId, sender: agent });
    assert.deepEqual(answer.content["m.relates_to"], { "m.in_reply_to": { event_id: asked } });
    assert.deepEqual(answer.content["m.mentions"], { user_ids: [alice.userId] });
  });

  it("is started by the agent's whole id, because no search finds it by its name", async () => {
    const found = async (term: string): Promise<string[]> => {
      const answer = await alice.request<{ results: { user_id: string }[] }>("POST", "/v3/user_directory/search", {
        search_term: term,
      });
      return answer.results.map(({ user_id: userId }) => userId);
    };
    const { displayname } = await alice.request<{ displayname: string }>(
      "GET",
      `/v3/profile/${encodeURIComponent(agent)}`,
    );
    assert.equal(displayname, "demo");
    const roomId = await chatWith(alice);
    await ask(alice, roomId, agent, "are you there?");
    // A user who registered later is found: so all earlier ones are in the directory by then.
    const carol = await deployment.user("nio", "carol");
    await eventually("a person to be found", async () => (await found("carol")).includes(carol.userId));
    for (const term of [displayname, "agent_demo", agent]) assert.deepEqual(await found(term), [], term);
  });

  it("with the bridge's bot gives help and the list of agents", async () => {
    const bot = `@agents:${deployment.synapse.serverName}`;
    const roomId = await alice.createRoom({ direct: true, invite: [bot] });
    await alice.waitMember(roomId, bot);
    const help = await ask(alice, roomId, bot, "help");
    assert.equal(help.content["msgtype"], "m.notice");
    assert.match(help.body, /list/);
    const list = await ask(alice, roomId, bot, "list");
    assert.match(list.body, /^Agents you can invite:\n[\s\S]*• demo: @agent_demo:/, "in no language that is guessed");
    assert.ok(String(list.content["formatted_body"]).includes(`<a href="https://matrix.to/#/${agent}">demo</a>`));
    assert.deepEqual(list.content["m.mentions"], {});
  });
});
