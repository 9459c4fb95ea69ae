import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { askingServer, nodeServer, startCallingOffice, type CallingOffice } from "../support/calling-chat.ts";
import type { Deployment } from "../support/deployment.ts";
import type { OllamaServer } from "../support/ollama-server.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import { realToolServer } from "../support/tool-servers.ts";
import type { Message, User } from "../support/user.ts";

describe("prompts of tool servers", () => {
  let office: CallingOffice;
  let ollama: OllamaServer;
  let deployment: Deployment;
  let alice: User;
  let bob: User;
  let agent: string;
  let other: string;
  let file: string;
  let chat: string;

  before(async () => {
    file = join(await temporaryDirectory("prompts"), "prompts");
    await writeFile(file, "");
    const prompts = true;
    const asking = { ...askingServer(file), prompts };
    office = await startCallingOffice({
      everything: {
        ...nodeServer(realToolServer("everything")),
        prompts,
        agents: ["llama"],
        tools: { "*": "refuse", get_prompt: "never" },
      },
      notes: { ...asking, agents: ["llama"] },
      watched: { ...asking, agents: ["llama"], approvers: "moderators", approval: "ask" },
      hidden: { ...asking, agents: ["llama"], tools: { "*": "refuse" } },
      elsewhere: { ...asking, agents: ["other"] },
      silent: { ...asking, prompts: false },
    });
    ({ ollama, deployment, alice, bob } = office);
    agent = deployment.agent("llama");
    other = deployment.agent("other");
    chat = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(chat, agent);
  });
  after(() => office.stop());

  const say = (roomId: string, body: string, by: User = alice): Promise<string> => by.sendText({ roomId, body });

  function said(roomId: string, from: string, pattern: RegExp, by: User = alice): Promise<Message> {
    const where = ({ body, current }: Message): boolean =>
      pattern.test(body) && !("org.matrix.msc4357.live" in current);
    return by.waitMessage({ roomId, after: from, sender: agent, where });
  }

  /** The last question that the model got. */
  function question(): string {
    const { messages } = ollama.chats().at(-1)?.body as { messages: { role: string; content: string }[] };
    return messages.findLast(({ role }) => role === "user")?.content ?? "";
  }

  /** How often a prompt was read. */
  async function reads(): Promise<number> {
    return (await readFile(file, "utf8")).split("\n").filter((line) => line.includes('"prompt"')).length;
  }

  it("are listed as this agent, room and person may use them", async () => {
    // Servers that are just starting have no prompts yet: nobody else is held up for them.
    let listed = await said(chat, await say(chat, "!prompt"), /prompt|don't answer now/);
    while (!listed.body.includes("everything"))
      listed = await said(chat, await say(chat, "!prompt"), /prompt|don't answer now/);
    const { body, encrypted } = listed;
    assert.equal(encrypted, true);
    for (const part of [
      "!prompt everything args-prompt city=… [state=…]",
      "!prompt everything simple-prompt",
      "!prompt notes sum-up",
    ])
      assert.ok(body.includes(part), body);
    assert.doesNotMatch(body, /hidden|elsewhere|silent/);
    const notes = await said(chat, await say(chat, "!prompt notes"), /notes/);
    assert.doesNotMatch(notes.body, /everything/);
    await said(chat, await say(chat, "!prompt everythin"), /did you mean everything/);
    const { stdout } = await deployment.command(["tools", "everything"]);
    assert.match(stdout, /prompts: .*simple-prompt/);
    assert.match(stdout, /ask people nothing/);
  });

  it("are put to the model as the person's question, marked, and remembered", async () => {
    const asked = await say(chat, '!prompt everything args-prompt city="Bad Homburg" state=Hesse');
    const answer = await said(chat, asked, /^You said: /);
    assert.equal(answer.encrypted, true);
    assert.match(
      question(),
      /chosen a prompt of a server: args-prompt of everything\. What follows are that server's words\.\]/,
    );
    assert.match(question(), /What's weather in Bad Homburg, Hesse\?$/);
    await said(chat, await say(chat, "And tomorrow?"), /^You said: And tomorrow/);
    assert.match(JSON.stringify(ollama.chats().at(-1)?.body), /weather in Bad Homburg/);
    // An embedded resource is its text; asked again, it is the same question.
    const resource = await say(chat, "!prompt everything resource-prompt resourceType=Text resourceId=1");
    const { eventId } = await said(chat, resource, /^You said: /);
    assert.match(question(), /Please analyze the following resource:\nResource 1/);
    await alice.react(chat, eventId, "🔁");
    await said(chat, eventId, /^You said: .*[\s\S]*Resource 1/);
  });

  it("that are not there, or miss something, are told so, with what may be meant", async () => {
    const before = ollama.chats().length;
    for (const [words, pattern] of [
      ["everything simple-promt", /has no prompt simple-promt; did you mean simple-prompt/],
      ["everything nothing-like-it", /has no prompt nothing-like-it\./],
      ["everythin simple-prompt", /no server everythin .*did you mean everything/],
      ["everything args-prompt", /Please write it like this: !prompt everything args-prompt city=… \[state=…\]/],
      ["everything args-prompt town=Bonn", /Please write it like this/],
      ["hidden sum-up", /can't be used: the admin allows it nowhere/],
      ["elsewhere sum-up", /can't be used: not for you, in this room, or for me/],
      ["silent sum-up", /no server silent/],
      ["notes broken", /did not give its prompt broken/],
    ] as const)
      await said(chat, await say(chat, `!prompt ${words}`), pattern);
    assert.equal(ollama.chats().length, before, "the model was asked nothing");
  });

  it("follow the rules for a call, and are words of the room that counts them", async () => {
    const roomId = await alice.createRoom({ invite: [agent, other, bob.userId] });
    await bob.join(roomId);
    for (const one of [alice, bob])
      for (const member of [agent, other, bob.userId, alice.userId]) await one.waitMember(roomId, member);
    const before = await reads();
    const refused = await bob.sendText({ roomId, body: "!prompt watched sum-up topic=keys", mentions: [agent] });
    await said(roomId, refused, /can't be used: I ask the moderators/, bob);
    assert.equal(await reads(), before);
    // Alice made the room: she is its moderator.
    const asked = await alice.sendText({ roomId, body: "!prompt watched sum-up topic=keys", mentions: [agent] });
    await said(roomId, asked, /^You said: /);
    assert.match(question(), /Sum up keys/);
    assert.equal(await reads(), before + 1);
    const privacy = await alice.sendText({ roomId, body: "!privacy", mentions: [agent] });
    await said(roomId, privacy, /watched/);

    // Agents choose no prompts, and their words are none.
    ollama.next({ answer: () => `@${agent.slice(1).split(":")[0]}: !prompt notes sum-up topic=doors` });
    const told = await alice.sendText({ roomId, body: "Ask Llama!", mentions: [other] });
    await alice.waitMessage({
      roomId,
      after: told,
      sender: other,
      where: ({ body }) => body.includes("!prompt notes"),
    });
    const end = await alice.sendText({ roomId, body: "Are you there?", mentions: [agent] });
    await said(roomId, end, /Are you there/);
    assert.equal(await reads(), before + 1);
  });

  it("have tools asked about again that were allowed for good, from the first answer on", async () => {
    const room = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(room, agent);
    const calls = [{ name: "watched__later", arguments: { times: 0 } }];
    await said(room, await say(room, "!tools allow watched/later"), /^From now on I use/);
    ollama.next({ answer: () => "", calls });
    ollama.next({ answer: () => "It is done." });
    await said(room, await say(room, "Do it."), /^It is done/);
    ollama.next({ answer: () => "", calls });
    ollama.next({ answer: () => "It is done." });
    const asked = await say(room, "!prompt notes sum-up topic=keys");
    const { body } = await said(room, asked, /!approve [A-Z]|^It is done/);
    assert.match(body, /!approve [A-Z]/);
    await said(room, await say(room, `!approve ${/!approve ([A-Z]+)/.exec(body)?.[1] ?? ""}`), /^It is done/);
  });

  it("are read once for a question whose model calls tools, and never by an edit of the command without its rules", async () => {
    const before = await reads();
    ollama.next({ answer: () => "", calls: [{ name: "notes__later", arguments: { times: 0 } }] });
    ollama.next({ answer: () => "It is done." });
    const asked = await say(chat, "!prompt notes sum-up topic=keys");
    await said(chat, asked, /^It is done/);
    assert.equal(await reads(), before + 1);
    await alice.edit(chat, asked, "!prompt hidden sum-up topic=keys");
    await said(chat, asked, /can't be used: the admin allows it nowhere/);
    await alice.edit(chat, asked, "!prompt watched sum-up topic=keys");
    await said(chat, asked, /Please send that as a new message/);
    assert.equal(await reads(), before + 1);
  });
});
