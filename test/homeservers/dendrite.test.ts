import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startBridgeOn, type BridgeOn, type StartHomeserver } from "../support/bridge-on.ts";
import { asksAgain, asksEncrypted, asksInClear } from "../support/conversation-on.ts";
import { DENDRITE_VERSION, startDendrite, type Dendrite } from "../support/dendrite.ts";
import { eventually } from "../support/eventually.ts";
import { requestAs } from "../support/matrix-request.ts";
import { createDatabase } from "../support/postgres.ts";
import { sharedPostgresUrl } from "../support/services.ts";
import { temporaryDirectory } from "../support/temporary.ts";
import type { User } from "../support/user.ts";

/** The levels of pino. */
const [WARN, ERROR] = [40, 50];

const onDendrite: StartHomeserver<Dendrite> = async ({ port, serverName, registration }) =>
  startDendrite({
    directory: await temporaryDirectory("dendrite"),
    port,
    serverName,
    database: await createDatabase(sharedPostgresUrl()),
    registrations: [registration],
  });

describe(`Dendrite ${DENDRITE_VERSION}`, () => {
  let all: BridgeOn<Dendrite>;
  let alice: User;
  let agent: string;
  let roomId: string;

  before(async () => {
    all = await startBridgeOn(onDendrite);
    alice = await all.user("js-sdk", "alice");
    agent = all.agent("demo");
  });
  after(() => all.stop());

  it("has agents that answer in a room without encryption", async () => {
    await asksInClear(alice, agent);
  });

  it("has agents that answer end-to-end encrypted, by a login of the bridge", async () => {
    roomId = await asksEncrypted(alice, agent);
  });

  it("takes no identity of an agent, so that its device is not signed, which is no error", async () => {
    const answer = await asksAgain(alice, agent, roomId, "the shield");
    assert.notEqual((await alice.shield(roomId, answer))?.colour, "none");
    assert.deepEqual(all.lines(ERROR), []);
    const warnings = all.lines(WARN).filter((line) => line.includes("takes no identity of agents"));
    assert.equal(warnings.length, 2, "the bot and one agent");
    assert.ok(all.lines(WARN).length < 8, all.lines(WARN).join("\n"));
  });

  it("has agents that answer mentions in a group, again on a reaction, anew after an edit, and take back what was deleted", async () => {
    const bob = await all.user("js-sdk", "bob");
    const group = await alice.createRoom({ invite: [bob.userId, agent] });
    await bob.join(group);
    await alice.waitMember(group, agent, "join", 60_000);
    const ask = { roomId: group, body: "demo: what is this?", mentions: [agent] };
    const question = await alice.sendText(ask);
    const answer = await bob.waitMessage({ roomId: group, sender: agent, after: question, timeoutMs: 60_000 });
    assert.match(answer.body, /what is this\?/);
    await alice.react(group, answer.eventId, "🔁");
    await bob.waitMessage({ roomId: group, sender: agent, after: answer.eventId, timeoutMs: 60_000 });
    const second = await alice.sendText({ ...ask, body: "demo: a second question" });
    const place = await bob.waitMessage({ roomId: group, sender: agent, after: second, timeoutMs: 60_000 });
    await alice.edit(group, second, "demo: a better question");
    await eventually("the answer to the edited question, in its place", () =>
      bob.messages(group).some(({ eventId, body }) => eventId === place.eventId && body.includes("a better question")),
    );
    // Nobody is told of it; the rooms are read every half minute.
    await alice.redact(group, question);
    await eventually(
      "the answer to be taken back",
      () => bob.messages(group).some(({ eventId, redacted }) => eventId === answer.eventId && redacted),
      { timeoutMs: 120_000, instead: () => all.bridge.text().slice(-4_000) },
    );
    assert.deepEqual(all.lines(ERROR), []);
  });

  it("shows agents by their names and pictures", async () => {
    const profile = await eventually("the picture", async () => {
      const found = await alice.request<{ displayname?: string; avatar_url?: string }>("GET", `/v3/profile/${agent}`);
      return found.avatar_url !== undefined && found.avatar_url !== "" && found;
    });
    assert.equal(profile.displayname?.startsWith("Demo"), true);
    assert.ok((await alice.download(profile.avatar_url ?? "")).byteLength > 100);
  });

  it("is named by doctor, which finds nothing wrong", async () => {
    const { code, stdout } = await all.command("doctor");
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^✓ homeserver +Dendrite 0\.13\.8/m);
    assert.match(stdout, /^✓ registration /m);
    assert.match(stdout, /^✓ features +agents' devices have tokens of their own/m);
    assert.match(stdout, /^– ping +The homeserver does not ping/m);
    assert.match(stdout, /^– cross-signing .*apps show its device as not signed/m);
  });

  it("delivers what was said while the bridge was away", async () => {
    await all.bridge.stop();
    const question = await alice.sendText({ roomId, body: "while you were away" });
    await all.startBridge();
    const answer = await alice.waitMessage({ roomId, sender: agent, after: question, timeoutMs: 60_000 });
    assert.match(answer.body, /while you were away/);
  });

  it("has agents that answer after its own restart", async () => {
    await all.homeserver.restart();
    await asksAgain(alice, agent, roomId, "after the restart");
  });

  it("exchanges an agent's token that is not valid any more", async () => {
    const [deviceId = ""] = await devicesOf();
    const identifier = { type: "m.id.user", user: agent };
    const login = { type: "m.login.application_service", identifier, device_id: deviceId };
    await appservice("POST", "/v3/login", login);
    await asksAgain(alice, agent, roomId, "by another token");
    assert.deepEqual(await devicesOf(), [deviceId]);
  });

  it("halts an agent whose device is deleted, and gives it another one on request", async () => {
    const [deviceId = ""] = await devicesOf();
    const identifier = { type: "m.id.user", user: agent };
    const login = { type: "m.login.application_service", identifier, device_id: deviceId };
    const { access_token: token } = await appservice<{ access_token: string }>("POST", "/v3/login", login);
    await requestAs(all.homeserver.url, token)("POST", "/v3/logout", {});
    await alice.sendText({ roomId, body: "nobody reads this" });
    await eventually("the agent to be halted", () =>
      all.lines(ERROR).some((line) => line.includes("device has been deleted on the homeserver")),
    );
    const { code, stdout, stderr } = await all.command("keys", "new-device", agent);
    assert.equal(code, 0, stdout + stderr);
    await asksAgain(alice, agent, roomId, "with another device");
    assert.equal((await devicesOf()).length, 1);
  });

  it("replaces a device that is there, and leaves one", async () => {
    const before = await devicesOf();
    const { code, stdout, stderr } = await all.command("keys", "new-device", agent);
    assert.equal(code, 0, stdout + stderr);
    await asksAgain(alice, agent, roomId, "with a third device");
    const after = await eventually("the former device to be gone", async () => {
      const now = await devicesOf();
      return now.length === 1 && now;
    });
    assert.notDeepEqual(after, before);
  });

  it("has an agent that comes though it was invited while the bridge was away", async () => {
    await all.bridge.stop();
    const room = await alice.createRoom({ direct: true, encrypted: false, invite: [agent] });
    await all.startBridge();
    await alice.waitMember(room, agent, "join", 60_000);
  });

  it("has agents whose tokens outlive a change of the master key", async () => {
    const { code, stdout, stderr } = await all.command("keys", "rotate-master");
    assert.equal(code, 0, stdout + stderr);
    await all.bridge.stop();
    await all.startBridge();
    await asksAgain(alice, agent, roomId, "under another master key");
  });

  it("is told apart by init, which does not wait for a ping that never comes", async () => {
    const { code, stdout, stderr } = await all.command("init", "--yes");
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /Dendrite 0\.13\.8/);
    assert.match(stdout, /knows the registration\. It can't be asked/);
  });

  it("leaves agents of a lost database to their former devices until they are adopted", async () => {
    await all.bridge.stop();
    await all.restartOnAnotherDatabase();
    await eventually("the agent to be refused", () =>
      all.lines(ERROR).some((line) => line === "this agent's user is somebody's account"),
    );
    for (const userId of [agent, `@agents:${all.homeserver.serverName}`]) {
      const { code, stdout, stderr } = await all.command("adopt", userId);
      assert.equal(code, 0, stdout + stderr);
    }
    await all.bridge.stop();
    await all.startBridge();
    await asksEncrypted(alice, agent);
    assert.equal((await devicesOf()).length, 1);
  });

  async function devicesOf(): Promise<string[]> {
    const as = `user_id=${encodeURIComponent(agent)}`;
    const { devices } = await appservice<{ devices: { device_id: string }[] }>("GET", `/v3/devices?${as}`);
    return devices.map(({ device_id: id }) => id);
  }

  function appservice<T>(method: "GET" | "POST", path: string, body?: object): Promise<T> {
    return requestAs(all.homeserver.url, all.files.asToken)<T>(method, path, body);
  }
});

describe(`Dendrite ${DENDRITE_VERSION}, with agents that do not encrypt`, () => {
  let all: BridgeOn<Dendrite>;

  before(async () => {
    all = await startBridgeOn(onDendrite, { extraConfig: { encryption: { mode: "off" } } });
  });
  after(() => all.stop());

  it("has agents that answer, and no device of theirs", async () => {
    const alice = await all.user("js-sdk", "alice");
    const agent = all.agent("demo");
    await asksInClear(alice, agent);
    const path = `/v3/devices?user_id=${encodeURIComponent(agent)}`;
    const { devices } = await requestAs(all.homeserver.url, all.files.asToken)<{ devices: unknown }>("GET", path);
    assert.equal(devices, null);
    assert.deepEqual(all.lines(WARN), []);
  });
});
