import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { portrait } from "../../src/avatars/portrait.ts";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/free-port.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import type { Message, User } from "../support/user.ts";

/** A PNG of one pixel. */
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

describe("agents on an Ollama server", () => {
  let ollama: OllamaServer;
  let deployment: Deployment;
  let alice: User;

  before(async () => {
    ollama = await startOllamaServer(["llama3.2:3b", "mistral:latest"]);
    const avatar = join(await temporaryDirectory("avatar"), "llama.png");
    await writeFile(avatar, PIXEL);
    deployment = await startDeployment({
      providers: {
        ollama: {
          type: "ollama",
          url: ollama.url,
          discover: true,
          first_token_timeout: "2s",
          idle_timeout: "1s",
          keep_alive: "10m",
        },
        absent: { type: "ollama", url: `http://127.0.0.1:${await freePort()}` },
      },
      agents: {
        llama: {
          provider: "ollama",
          model: "llama3.2:3b",
          display_name: "Llama",
          avatar,
          system_prompt: "You are a pirate.",
          temperature: 0.3,
          context_tokens: 2048,
        },
        gone: { provider: "ollama", model: "not-installed", display_name: "Gone" },
        away: { provider: "absent", model: "any", display_name: "Away" },
      },
      extraConfig: {
        access: { admins: ["@alice:*"] },
        answers: { welcome: false, command_menus: false },
        turns: { retry_model_for: "3s" },
      },
    });
    alice = await deployment.user("js-sdk", "alice");
  });
  after(async () => {
    await deployment.stop();
    await ollama.close();
  });

  async function chatWith(agent: string, direct = true): Promise<string> {
    const roomId = await alice.createRoom({ direct, invite: [agent] });
    await alice.waitMember(roomId, agent);
    return roomId;
  }

  async function ask(roomId: string, agent: string, body: string, mentions?: string[]): Promise<Message> {
    const question = await alice.sendText({ roomId, body, ...(mentions === undefined ? {} : { mentions }) });
    return alice.waitMessage({ roomId, sender: agent, after: question });
  }

  function lastModel(): unknown {
    return (ollama.chats().at(-1)?.body as { model?: unknown } | undefined)?.model;
  }

  it("are asked with the instruction, the settings and the conversation so far", async () => {
    const agent = deployment.agent("llama");
    const roomId = await chatWith(agent);
    const first = await ask(roomId, agent, "what is your name?");
    assert.equal(first.content["msgtype"], "m.text");
    await ask(roomId, agent, "and mine?");

    const request = ollama.chats().at(-1)?.body as {
      model: string;
      keep_alive: unknown;
      options: Record<string, unknown>;
      messages: { role: string; content: string }[];
    };
    assert.equal(request.model, "llama3.2:3b");
    assert.equal(request.keep_alive, "10m");
    assert.equal(request.options["num_ctx"], 2048);
    assert.equal(request.options["temperature"], 0.3);
    assert.deepEqual(
      request.messages.map(({ role }) => role),
      ["system", "user", "assistant", "user"],
    );
    assert.match(request.messages[0]?.content ?? "", /^You are a pirate\./);
    assert.equal(request.messages[1]?.content, "what is your name?");
    assert.equal(request.messages[3]?.content, "and mine?");
  });

  it("get the speakers' names in a group", async () => {
    const agent = deployment.agent("llama");
    const roomId = await chatWith(agent, false);
    await ask(roomId, agent, "Llama: hello", [agent]);
    const { messages } = ollama.chats().at(-1)?.body as { messages: { content: string }[] };
    assert.equal(messages.at(-1)?.content, "alice: hello");
  });

  it("say in plain words, once and encrypted, that their model is missing or their server away", async () => {
    for (const [name, words] of [
      ["gone", /not installed/],
      ["away", /can't be reached/],
    ] as const) {
      const agent = deployment.agent(name);
      const roomId = await chatWith(agent);
      const notice = await ask(roomId, agent, "are you there?");
      assert.equal(notice.encrypted, true);
      assert.equal(notice.content["msgtype"], "m.notice");
      assert.deepEqual(notice.content["m.mentions"], {});
      assert.match(notice.body, words);
      assert.doesNotMatch(notice.body, /127\.0\.0\.1|Error|ECONN/);
    }
  });

  it("say when they are cut off or too slow, and answer the next question", async () => {
    const agent = deployment.agent("llama");
    const roomId = await chatWith(agent);
    for (const fault of [
      { kind: "cut", atToken: 2 },
      { kind: "stall", atToken: 0 },
      { kind: "stall", atToken: 2 },
      { kind: "html", status: 200 },
    ] as const) {
      ollama.next({ fault });
      const body = `this goes wrong by ${fault.kind}`;
      const question = await alice.sendText({ roomId, body });
      // Where the beginning of an answer was shown, the reason stands under it.
      await alice.waitMessage({
        roomId,
        sender: agent,
        after: question,
        where: (message) =>
          message.content["msgtype"] === "m.notice" ||
          /\n\n.*(?:stopped in the middle|broke before)/.test(message.body),
      });
    }
    const answer = await ask(roomId, agent, "and now?");
    assert.equal(answer.content["msgtype"], "m.text");
    assert.equal(alice.messages(roomId).filter((message) => message.sender === agent).length, 5);
  });

  it("exist for every installed model, under its own name", async () => {
    const agent = deployment.agent("mistral");
    const roomId = await chatWith(agent);
    await ask(roomId, agent, "bonjour");
    assert.equal(lastModel(), "mistral:latest");
  });

  it("are made by a user query when a model was installed later, and no other user is", async () => {
    ollama.install("qwen3:8b");
    const agent = deployment.agent("qwen3-8b");
    const roomId = await chatWith(agent);
    await ask(roomId, agent, "hello");
    assert.equal(lastModel(), "qwen3:8b");

    const query = async (userId: string): Promise<number> => {
      const response = await fetch(
        `http://127.0.0.1:${deployment.settings.port}/_matrix/app/v1/users/${encodeURIComponent(userId)}`,
        { headers: { Authorization: `Bearer ${deployment.files.hsToken}` } },
      );
      return response.status;
    };
    assert.equal(await query(agent), 200);
    assert.equal(await query(deployment.agent("nope")), 404);
    const profile = alice.request("GET", `/v3/profile/${encodeURIComponent(deployment.agent("nope"))}`);
    await assert.rejects(profile, "nobody of that name was made");
  });

  async function avatarOf(userId: string): Promise<unknown> {
    return (await alice.request("GET", `/v3/profile/${encodeURIComponent(userId)}`))["avatar_url"];
  }

  async function download(uri: unknown): Promise<{ readonly bytes: Buffer; readonly type: string | null }> {
    const media = String(uri).replace("mxc://", "");
    const picture = await fetch(`${deployment.synapse.url}/_matrix/client/v1/media/download/${media}`, {
      headers: { Authorization: `Bearer ${deployment.files.asToken}` },
    });
    return { bytes: Buffer.from(await picture.arrayBuffer()), type: picture.headers.get("content-type") };
  }

  it("show the name and the picture from the configuration", async () => {
    await eventually("the display name", async () => {
      const profile = await alice.request("GET", `/v3/profile/${encodeURIComponent(deployment.agent("llama"))}`);
      return profile["displayname"] === "Llama" && typeof profile["avatar_url"] === "string";
    });
    const { bytes, type } = await download(await avatarOf(deployment.agent("llama")));
    assert.deepEqual(bytes, PIXEL);
    assert.equal(type, "image/png");
  });

  it("have a drawn picture where the configuration has none, which no start uploads again, and which may be replaced", async () => {
    const drawn = ["away", "gone", "mistral"].map((name) => deployment.agent(name));
    const bot = `@agents:${deployment.synapse.serverName}`;
    const first = new Map<string, unknown>();
    for (const userId of [...drawn, bot]) {
      await eventually("the drawing", async () => (await avatarOf(userId)) !== undefined);
      first.set(userId, await avatarOf(userId));
      const { bytes, type } = await download(first.get(userId));
      assert.deepEqual([bytes, type], [portrait(userId.slice(1).split(":")[0] ?? ""), "image/png"]);
    }
    const [away = "", gone = ""] = drawn;
    const as = `user_id=${encodeURIComponent(away)}`;
    const profile = `${deployment.synapse.url}/_matrix/client/v3/profile/${encodeURIComponent(away)}/avatar_url?${as}`;
    await fetch(profile, {
      method: "PUT",
      headers: { Authorization: `Bearer ${deployment.files.asToken}` },
      body: JSON.stringify({ avatar_url: first.get(gone) }),
    });
    await deployment.stopBridge();
    await deployment.startBridge();
    // A new agent gets its picture after the others.
    ollama.install("phi3:mini");
    await chatWith(deployment.agent("phi3-mini"));
    await eventually("the drawing", async () => (await avatarOf(deployment.agent("phi3-mini"))) !== undefined);
    for (const userId of [gone, bot]) assert.equal(await avatarOf(userId), first.get(userId));
    assert.equal(await avatarOf(away), first.get(gone));
  });

  it("have readable names where they were discovered, and answer to the model's own name too", async () => {
    ollama.install("granite3.3:8b-instruct-q4_K_M");
    const agent = deployment.agent("granite3.3-8b-instruct-q4_k_m");
    const roomId = await chatWith(agent, false);
    const profile = await alice.request("GET", `/v3/profile/${encodeURIComponent(agent)}`);
    assert.equal(profile["displayname"], "Granite 3.3 Instruct (8B, Q4_K_M)");
    for (const name of ["Granite 3.3 Instruct (8B, Q4_K_M)", "granite3.3:8b-instruct-q4_K_M"]) {
      const answer = await ask(roomId, agent, `${name}: are you called so?`);
      assert.match(answer.body, /are you called so/, name);
    }
  });

  it("are installed by the bot for admins, who see the progress, and on the command line", async () => {
    const bot = `@agents:${deployment.synapse.serverName}`;
    const bob = await deployment.user("js-sdk", "bob");
    const roomId = await alice.createRoom({ direct: true, invite: [bot, bob.userId] });
    await bob.join(roomId);
    // He gives no key to people whom he does not see there.
    for (const person of [alice, bob]) await person.waitMember(roomId, bot);
    // With three it is a group, whatever the invite said.
    const command = await bob.sendText({ roomId, body: "pull ollama phi4", mentions: [bot] });
    assert.match((await alice.waitMessage({ roomId, sender: bot, after: command })).body, /^Only the bridge's admins/);

    assert.match((await ask(roomId, bot, "pull phi4", [bot])).body, /^Please write it like this: .*ollama, absent/);
    const notice = await ask(roomId, bot, "!pull ollama phi4", [bot]);
    const done = await alice.waitMessage({
      roomId,
      sender: bot,
      where: ({ eventId, body }) => eventId === notice.eventId && body === "phi4 is installed on “ollama”.",
    });
    assert.ok(done.edits >= 2 && done.edits <= 4, String(done.edits));
    const phi = deployment.agent("phi4");
    const chat = await chatWith(phi);
    assert.match((await ask(chat, phi, "hello")).body, /You said: hello/);
    const missing = await ask(roomId, bot, "pull ollama nothing", [bot]);
    await alice.waitMessage({
      roomId,
      sender: bot,
      where: ({ eventId, body }) => eventId === missing.eventId && body.includes("was not installed"),
    });

    const { code, stdout } = await deployment.command(["pull", "ollama", "gemma3:4b"]);
    assert.equal(code, 0);
    assert.match(stdout, /pulling dde5aa3fc5ff: 30 %\n[\s\S]*gemma3:4b is installed on ollama\n$/);
    const failed = await deployment.command(["pull", "ollama", "nothing"]);
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /nothing was not installed/);
    assert.equal((await deployment.command(["pull"])).code, 2);
  });
});
