import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { requestAs } from "../support/matrix-request.ts";
import { startOllamaServer, type OllamaServer } from "../support/ollama-server.ts";
import type { Message, User } from "../support/user.ts";

const WHALES = Array.from({ length: 40 }, (_, index) => `whale ${index}`).join(", ");

describe("an agent's message to mautrix-go", () => {
  let ollama: OllamaServer;
  let deployment: Deployment;
  let maja: User;
  let agent: string;
  let slow: string;
  const rooms: string[] = [];

  before(async () => {
    ollama = await startOllamaServer();
    ollama.install("slow", { answer: () => WHALES, tokenMs: 100 });
    deployment = await startDeployment({
      providers: { demo: { type: "demo" }, ollama: { type: "ollama", url: ollama.url } },
      agents: { demo: { provider: "demo" }, slow: { provider: "ollama", model: "slow" } },
      extraConfig: { turns: { drain: "500ms" } },
    });
    maja = await deployment.user("mautrix", "maja");
    [agent, slow] = [deployment.agent("demo"), deployment.agent("slow")];
  });
  after(async () => {
    await deployment.stop();
    await ollama.close();
  });

  async function room(options: { with?: string; encryption?: object } = {}): Promise<string> {
    const { with: invited = agent, encryption = {} } = options;
    const roomId = await maja.createRoom({ direct: true, invite: [invited], encryption });
    rooms.push(roomId);
    await maja.waitMember(roomId, invited);
    return roomId;
  }

  /** Asks, and resolves with the answer, which is encrypted and of a signed device. */
  async function ask(roomId: string, body: string, whom = agent): Promise<Message> {
    const question = await maja.sendText({ roomId, body });
    const answer = await maja.waitMessage({ roomId, sender: whom, after: question });
    assert.ok(answer.body.includes(body), answer.body);
    assert.equal(answer.encrypted, true);
    assert.deepEqual(answer.shield, { colour: "none", reason: null });
    return answer;
  }

  function session(message: Message): unknown {
    return message.wireContent["session_id"];
  }

  it("is readable when the room has a new session for every second message", async () => {
    const roomId = await room({ encryption: { rotation_period_msgs: 2 } });
    const sessions = new Set<unknown>();
    for (let count = 1; count <= 7; count++) sessions.add(session(await ask(roomId, `question ${count}`)));
    assert.equal(sessions.size, 4);
  });

  it("answers messages under sessions that the client has started again", async () => {
    const roomId = await room();
    for (let count = 1; count <= 3; count++) {
      await ask(roomId, `in session ${count}`);
      await maja.rotateSession(roomId);
    }
  });

  for (const how of ["stop", "kill"] as const) {
    it(`is readable after a ${how}, also for questions from that time in an old session and a new one`, async () => {
      const roomId = await room();
      await ask(roomId, "before");
      await deployment.stopBridge(how);
      await maja.sendText({ roomId, body: "in the old session" });
      await maja.rotateSession(roomId);
      await maja.sendText({ roomId, body: "in a new session" });
      await deployment.startBridge();
      for (const asked of [/in the old session/, /in a new session/]) {
        await maja.waitMessage({ roomId, sender: agent, where: ({ body }) => asked.test(body) });
      }
      await ask(roomId, "and after");
      assert.equal(maja.messages(roomId).filter(({ sender }) => sender === agent).length, 4);
    });
  }

  it("is one complete and readable answer when the bridge is killed during it", async () => {
    const roomId = await room({ with: slow });
    const question = await maja.sendText({ roomId, body: "tell me about whales" });
    const draft = await maja.waitMessage({ roomId, sender: slow, after: question });
    assert.notEqual(draft.body, WHALES);
    await deployment.stopBridge("kill");
    ollama.install("slow", { answer: () => WHALES });
    await deployment.startBridge();
    await maja.waitMessage({ roomId, sender: slow, after: question, where: ({ body }) => body === WHALES });
    const again = await maja.sendText({ roomId, body: "and again" });
    await maja.waitMessage({ roomId, sender: slow, after: again, where: ({ body }) => body === WHALES });
    const answers = maja.messages(roomId).filter(({ sender }) => sender === slow);
    assert.deepEqual(
      answers.map(({ body, redacted }) => ({ body, redacted })),
      [
        { body: WHALES, redacted: false },
        { body: WHALES, redacted: false },
      ],
    );
    assert.equal(answers[0]?.eventId, draft.eventId);
  });

  it("is readable in version 12 of the room, to which the agent follows", async () => {
    const old = await room();
    await ask(old, "in the old room");
    const { replacement_room: roomId } = await maja.request<{ replacement_room: string }>(
      "POST",
      `/v3/rooms/${encodeURIComponent(old)}/upgrade`,
      { new_version: "12" },
    );
    await maja.waitEncrypted(roomId);
    await maja.invite(roomId, agent);
    await maja.waitMember(roomId, agent);
    await ask(roomId, "in the new room");
    const { room_version: version } = await maja.request<{ room_version: string }>(
      "GET",
      `/v3/rooms/${encodeURIComponent(roomId)}/state/m.room.create/`,
    );
    assert.equal(version, "12");
  });

  it("is read by a new device that has only the recovery key", async () => {
    const roomId = await room();
    const answers = [await ask(roomId, "remember the whales")];
    await maja.rotateSession(roomId);
    answers.push(await ask(roomId, "and the dolphins"));
    const device = await deployment.user("mautrix", "maja", { recoveryKey: maja.recoveryKey });
    assert.notEqual(device.deviceId, maja.deviceId);
    for (const { eventId } of answers) await assert.rejects(device.readEvent(roomId, eventId), /session/);
    await device.restoreBackup();
    for (const { eventId, body } of answers) assert.equal(await device.readEvent(roomId, eventId), body);
    // From then on it has the keys itself.
    await device.waitMember(roomId, agent);
    const answer = await ask(roomId, "do you see both of my devices?");
    const seen = await device.waitMessage({
      roomId,
      sender: agent,
      where: ({ eventId }) => eventId === answer.eventId,
    });
    assert.equal(seen.body, answer.body);
    await device.stop();
  });

  it("comes from a new device when the server's admin has deleted the former one", async () => {
    const roomId = await room();
    await ask(roomId, "before it goes");
    const [device] = await maja.deviceTrust(agent);
    const asAgent = requestAs(deployment.synapse.url, deployment.files.asToken);
    await asAgent("DELETE", `/v3/devices/${device?.deviceId ?? ""}?user_id=${encodeURIComponent(agent)}`);
    await deployment.stopBridge();
    const { code, stderr } = await deployment.command(["keys", "new-device", "demo"]);
    assert.equal(code, 0, stderr);
    await deployment.startBridge();
    await eventually("the new device", async () => {
      const devices = await maja.deviceTrust(agent);
      return devices.length === 1 && devices[0]?.deviceId !== device?.deviceId && devices[0]?.signedByOwner;
    });
    await ask(roomId, "are you back?");
  });

  it("is unencrypted where the client never encrypts, and asks for encryption in a room that has it", async () => {
    const clear = await maja.createRoom({ direct: true, invite: [agent], encrypted: false });
    await maja.waitMember(clear, agent);
    const question = await maja.sendText({ roomId: clear, body: "I can't encrypt" });
    const answer = await maja.waitMessage({ roomId: clear, sender: agent, after: question });
    assert.match(answer.body, /I can't encrypt/);
    assert.equal(answer.encrypted, false);

    const roomId = await room();
    const path = `/v3/rooms/${encodeURIComponent(roomId)}/send/m.room.message/clear`;
    await maja.request("PUT", path, { msgtype: "m.text", body: "nor here" });
    const notice = await maja.waitMessage({ roomId, sender: agent });
    assert.match(notice.body, /was not encrypted/);
    assert.equal(notice.encrypted, true);
  });

  it("was readable in the end, in each case", () => {
    const seen = rooms.flatMap((roomId) => maja.events(roomId)).filter(({ encrypted }) => encrypted);
    assert.ok(seen.length > 50);
    assert.deepEqual(
      seen.filter(({ decryptionError }) => decryptionError !== undefined),
      [],
    );
  });
});
