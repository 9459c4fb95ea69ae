import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { exchangeMark } from "../../src/matrix/exchange-mark.ts";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { devicesIn, openDirectChat, queryKeys } from "../support/first-contact.ts";
import { startHttpProxy, type HttpProxy, type PassingRequest } from "../support/http-proxy.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import type { Message, User } from "../support/user.ts";

/** The question to which an agent's message belongs. */
function originOf(content: Readonly<Record<string, unknown>>): unknown {
  return exchangeMark(content)?.origin;
}

/** More than the bridge prepares at once. */
const AGENTS = Array.from({ length: 12 }, (_, index) => `a${index}`);
const demoAgents = (names: readonly string[]): Record<string, object> =>
  Object.fromEntries(names.map((name) => [name, { provider: "demo" }]));

/** The calls of the bridge to its homeserver, and the number of ghosts calling at once. */
class Calls {
  readonly seen: { readonly userId: string | undefined; readonly call: string }[] = [];
  #proxy: HttpProxy | undefined;
  #port = 0;
  readonly #running = new Map<string, number>();
  most = 0;

  async through(url: string): Promise<string> {
    this.#port = Number(new URL(url).port);
    this.#proxy = await startHttpProxy(() => this.#port);
    this.#proxy.intercept = async (request, proxy) => {
      const userId = actorOf(request);
      const { pathname } = new URL(request.url, "http://localhost");
      this.seen.push({ userId, call: `${request.method} ${pathname}` });
      if (userId !== undefined) this.#running.set(userId, (this.#running.get(userId) ?? 0) + 1);
      this.most = Math.max(this.most, this.#running.size);
      try {
        return await proxy.forward(request);
      } finally {
        const left = (this.#running.get(userId ?? "") ?? 1) - 1;
        if (left > 0) this.#running.set(userId ?? "", left);
        else this.#running.delete(userId ?? "");
      }
    };
    return this.#proxy.url;
  }

  isBusy(userId: string): boolean {
    return this.#running.has(userId);
  }

  of(userId: string): string[] {
    return this.seen.flatMap((seen) => (seen.userId === userId ? [seen.call] : []));
  }

  async stop(): Promise<void> {
    await this.#proxy?.stop();
  }
}

function actorOf({ url }: PassingRequest): string | undefined {
  return new URL(url, "http://localhost").searchParams.get("user_id") ?? undefined;
}

describe("before anybody has invited an agent", () => {
  const calls = new Calls();
  let ollama: OllamaServer;
  let deployment: Deployment;
  let alice: User;
  let bot: string;
  let userIds: string[];

  before(async () => {
    ollama = await startOllamaServer(["llama3.2:3b"]);
    deployment = await startDeployment({
      providers: { demo: { type: "demo" }, ollama: { type: "ollama", url: ollama.url, discover: true } },
      agents: demoAgents(AGENTS),
      through: (edge, url) => (edge === "bridge to synapse" ? calls.through(url) : Promise.resolve(url)),
    });
    bot = `@agents:${deployment.synapse.serverName}`;
    userIds = [bot, ...[...AGENTS, "llama3.2-3b"].map((name) => deployment.agent(name))];
    alice = await deployment.user("js-sdk", "alice");
  });
  after(async () => {
    await deployment.stop();
    await calls.stop();
    await ollama.close();
  });

  it("each agent and the bot has one device, signed by its identity, when the bridge says that it is ready", async () => {
    const keys = await queryKeys(alice, userIds);
    for (const userId of userIds) {
      const devices = devicesIn(keys, userId);
      assert.deepEqual(
        devices.map(({ signed }) => signed),
        [true],
        userId,
      );
    }
  });

  it("they were made a few at a time, each with as many calls as it needs and no more", async () => {
    // The pictures come last.
    for (const userId of userIds) {
      const isGiven = (): boolean => calls.of(userId).some((call) => /^PUT .*\/avatar_url$/.test(call));
      // The bot keeps checking whether the homeserver is there.
      await eventually("the avatar", () => isGiven() && (userId === bot || !calls.isBusy(userId)));
    }
    assert.ok(calls.most <= 8, `${calls.most} at once`);
    // The bot also checks the homeserver's features.
    for (const userId of userIds.filter((user) => user !== bot)) {
      const made = calls.of(userId);
      assert.ok(made.length <= MOST_CALLS, `${userId}: ${made.length} calls\n${made.join("\n")}`);
      assert.equal(made.filter((call) => /^PUT .*\/devices\//.test(call)).length, 1);
      assert.equal(made.filter((call) => call.endsWith("/keys/device_signing/upload")).length, 1);
      assert.equal(made.filter((call) => call.endsWith("/media/v3/upload")).length, 1);
    }
  });

  it("a direct chat made in the way of people's clients is encrypted, and so is its first answer", async () => {
    const agent = deployment.agent("a3");
    const { roomId, encrypted } = await openDirectChat(alice, agent);
    assert.equal(encrypted, true);
    const question = await alice.sendText({ roomId, body: "are we alone?" });
    const answer = await alice.waitMessage({ roomId, sender: agent, after: question });
    assert.equal(answer.encrypted, true);
    assert.equal(answer.shield?.colour, "none");
    assert.match(answer.body, /are we alone/);
  });

  it("the first message is answered though it is sent before the agent joins, before later ones, and once", async () => {
    const agent = deployment.agent("a5");
    const other = deployment.agent("a6");
    await deployment.stopBridge();
    // As clients do: the room is made with its first message, and nobody waits for the agent.
    const roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent, "invite");
    const first = await alice.sendText({ roomId, body: "the first word" });
    const second = await alice.sendText({ roomId, body: "the second word" });
    // Another agent is in this room already, and has got everything.
    const group = await alice.createRoom({ invite: [other] });
    await deployment.startBridge();
    await alice.waitMember(roomId, agent);
    const third = await alice.sendText({ roomId, body: "the third word" });
    await alice.waitMember(group, other);
    await deployment.stopBridge();
    await alice.invite(group, agent);
    await alice.waitMember(group, agent, "invite");
    const mention = await alice.sendText({ roomId: group, body: "both of you", mentions: [agent, other] });
    await deployment.startBridge();
    for (const [room, question, by] of [
      [roomId, first, agent],
      [roomId, second, agent],
      [roomId, third, agent],
      [group, mention, agent],
      [group, mention, other],
    ] as const) {
      const where = ({ content }: Message): boolean => originOf(content) === question;
      const answer = await alice.waitMessage({ roomId: room, sender: by, where });
      assert.equal(answer.encrypted, true);
    }
    const answered = alice.messages(roomId).filter(({ sender }) => sender === agent);
    assert.deepEqual(
      answered.map(({ content }) => originOf(content)),
      [first, second, third],
    );
  });

  it("the next start asks the homeserver nothing about agents with whom nobody has talked", async () => {
    await deployment.stopBridge();
    calls.seen.length = 0;
    await deployment.startBridge();
    for (const userId of userIds) {
      if (userId === bot || ["a3", "a5", "a6"].some((name) => userId === deployment.agent(name))) continue;
      // Except for its rooms, at each start (docs/decisions/0007).
      const made = calls.of(userId).filter((call) => /devices|keys|register|profile|account_data|media/.test(call));
      assert.deepEqual(made, [], userId);
    }
    // The bot checks whether the homeserver can do what agents need.
    const bots = calls.of(bot).filter((call) => !call.includes("/devices/SUPPORTCHECK"));
    assert.deepEqual(
      bots.filter((call) => /devices|keys|register|profile/.test(call)),
      [],
    );
  });

  it("a model that is installed later has its device as soon as it is found", async () => {
    ollama.install("qwen2.5:7b");
    const agent = deployment.agent("qwen2.5-7b");
    // An invite of an agent that does not exist yet makes the bridge look for new models.
    await alice.createRoom({ invite: [agent] });
    await eventually("the new agent's device", async () => {
      const devices = devicesIn(await queryKeys(alice, [agent]), agent);
      return devices.length === 1 && devices[0]?.signed === true;
    });
    const { encrypted } = await openDirectChat(alice, agent);
    assert.equal(encrypted, true);
  });

  it("an agent whose model is gone keeps its device, and says so when it is asked; back again, it answers", async () => {
    const agent = deployment.agent("llama3.2-3b");
    const before = devicesIn(await queryKeys(alice, [agent]), agent);
    ollama.remove("llama3.2:3b");
    await deployment.stopBridge();
    await deployment.startBridge();
    assert.deepEqual(devicesIn(await queryKeys(alice, [agent]), agent), before);
    const { roomId, encrypted } = await openDirectChat(alice, agent);
    assert.equal(encrypted, true);
    const question = await alice.sendText({ roomId, body: "are you there?" });
    const notice = await alice.waitMessage({ roomId, sender: agent, after: question });
    assert.equal(notice.content["msgtype"], "m.notice");
    assert.equal(notice.encrypted, true);
    assert.match(notice.body, /no longer|not .* any more|gone/i);

    ollama.install("llama3.2:3b");
    await deployment.stopBridge();
    await deployment.startBridge();
    assert.deepEqual(devicesIn(await queryKeys(alice, [agent]), agent), before);
    const again = await alice.sendText({ roomId, body: "and now?" });
    const answer = await alice.waitMessage({ roomId, sender: agent, after: again });
    assert.equal(answer.content["msgtype"], "m.text");
  });
});

/**
 * The calls that making one agent needs: its user, its name, its device, its identity, the safe keeping of that, the
 * device's keys and its picture; and two of the search for lost invites.
 */
const MOST_CALLS = 10;

describe("somebody whose device is not signed yet", () => {
  let deployment: Deployment;
  let agent: string;
  let zoe: User;
  let roomId: string;

  before(async () => {
    deployment = await startDeployment({
      extraConfig: { answers: { welcome: true, command_menus: false } },
    });
    agent = deployment.agent("demo");
    zoe = await deployment.user("js-sdk", "zoe", { unsigned: true });
    ({ roomId } = await openDirectChat(zoe, agent));
  });
  after(() => deployment.stop());

  const said = (): Message[] => zoe.messages(roomId).filter(({ sender }) => sender === agent);

  it("reads why the agent can't speak yet, and what to do, in place of a welcome that they could not read", async () => {
    const notice = await zoe.waitMessage({ roomId, sender: agent });
    assert.deepEqual([notice.content["msgtype"], notice.encrypted], ["m.notice", true]);
    assert.match(notice.body, /encryption is not set up in this app.*Settings → Encryption/);
    assert.deepEqual(
      zoe.events(roomId).filter(({ decryptionError }) => decryptionError !== undefined),
      [],
    );
  });

  it("is told this once, however often the bridge starts", async () => {
    await deployment.stopBridge("kill");
    await deployment.startBridge();
    const question = await zoe.sendText({ roomId, body: "can you hear me?" });
    await eventually("the message to be passed over", () =>
      deployment.bridge
        .logs()
        .some((line) => line["event"] === question && line.msg === "message not acted on: not trusted"),
    );
    // A later message shows that nothing came before it.
    await deployment.stopBridge();
    assert.equal(said().length, 1);
    await deployment.startBridge();
  });

  it("gets a readable welcome as soon as the device is signed, and answers", async () => {
    await zoe.resetIdentity();
    const where = ({ body }: Message): boolean => /^Hello! I am Demo.*Write to me/.test(body);
    const welcome = await zoe.waitMessage({ roomId, sender: agent, where });
    assert.equal(welcome.encrypted, true);
    const question = await zoe.sendText({ roomId, body: "and now?" });
    const answer = await zoe.waitMessage({ roomId, sender: agent, after: question });
    assert.match(answer.body, /and now\?/);
    assert.deepEqual(
      zoe.events(roomId).filter(({ decryptionError }) => decryptionError !== undefined),
      [],
    );
    assert.equal(said().filter(where).length, 1);
  });
});
