import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { dump } from "js-yaml";
import { decryptAttachment, encryptAttachment } from "../../../src/crypto/attachment.ts";
import { AgentsAppService } from "../../../src/homeserver/app-service.ts";
import { startAppService, type RunningAppService } from "../../../src/homeserver/appservice-bridge.ts";
import {
  downloadMedia,
  getAccountData,
  getProfile,
  putAccountData,
  register,
  setAvatarUrl,
  setDisplayName,
  uploadMedia,
  versions,
  whoami,
} from "../../../src/homeserver/calls.ts";
import { createHomeserverClient, type HomeserverClient } from "../../../src/homeserver/client.ts";
import {
  deleteByLogin,
  deleteDevice,
  deviceExists,
  keysQuery,
  deviceSeen,
  loginDevice,
  logoutDevice,
  putDevice,
  sendToDevice,
  sync,
} from "../../../src/homeserver/device-calls.ts";
import { isUnknownDevice, UnexpectedAnswer } from "../../../src/homeserver/errors.ts";
import { pendingInvites } from "../../../src/homeserver/invites.ts";
import { awaitHomeserver, explainPingFailure, pingAppservice } from "../../../src/homeserver/ping.ts";
import { reasonOfAbsence } from "../../../src/homeserver/survey.ts";
import {
  joinedRooms,
  joinRoom,
  leaveRoom,
  members,
  readReceipt,
  roomState,
  sendEvent,
  sendState,
  typing,
} from "../../../src/homeserver/room-calls.ts";
import type { RoomEvent } from "../../../src/homeserver/transaction.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import type { Synapse } from "../../../quickstart/synapse.ts";
import { eventually } from "../../support/eventually.ts";
import { freePort } from "../../support/free-port.ts";
import { DOMAIN, startHomeserver } from "../../support/homeserver.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

describe("a real Synapse", () => {
  const log = silentLogger();
  const ghost = { userId: `@agent_a:${DOMAIN}`, deviceId: "GHOSTDEV" };
  const other = { userId: `@agent_b:${DOMAIN}`, deviceId: "OTHERDEV" };
  const bot = { userId: `@agents:${DOMAIN}` };
  const events: RoomEvent[] = [];
  const asked: string[] = [];
  let refuse = 0;
  let synapse: Synapse;
  let client: HomeserverClient;
  let running: RunningAppService;
  let url: string;
  let file: string;

  before(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const registration = {
      id: "agents",
      url,
      as_token: "as-token",
      hs_token: "hs-token",
      sender_localpart: "agents",
      rate_limited: false,
      namespaces: { users: [{ exclusive: true, regex: `@agent_.*:${DOMAIN}` }], aliases: [], rooms: [] },
    };
    file = join(await temporaryDirectory("registration"), "registration.yaml");
    await writeFile(file, dump(registration));
    const synapsePort = await freePort();
    client = createHomeserverClient({ url: `http://127.0.0.1:${synapsePort}`, asToken: "as-token", log });
    const appService = new AgentsAppService({
      hsToken: "hs-token",
      onTransaction: (transaction) => {
        if (refuse > 0) {
          refuse -= 1;
          return Promise.reject(new Error("the database is away"));
        }
        assert.deepEqual(transaction.malformed, []);
        events.push(...transaction.events);
        return Promise.resolve();
      },
      onUserQuery: async (userId) => {
        asked.push(userId);
        if (userId !== `@agent_asked:${DOMAIN}`) return false;
        await register(client, "agent_asked");
        return true;
      },
      log,
    });
    // Synapse is not there yet: the bridge still listens, and waits.
    running = await startAppService({
      registration,
      homeserverUrl: `http://127.0.0.1:${synapsePort}`,
      domain: DOMAIN,
      bindAddress: "127.0.0.1",
      port,
      appService,
      log,
    });
    const why = (): Promise<string | undefined> => reasonOfAbsence(`http://127.0.0.1:${synapsePort}`);
    const signal = AbortSignal.timeout(90_000);
    const waiting = awaitHomeserver({ client, ours: { file, url }, why, log, signal });
    synapse = await startHomeserver({ port: synapsePort, registrations: [file] });
    await waiting;
  });
  after(async () => {
    await running.close();
    await client.close();
    await synapse.stop();
  });

  it("is reached, and reaches us", async () => {
    assert.ok((await versions(client)).includes("v1.11"));
    assert.equal(await whoami(client), bot.userId);
    assert.ok((await pingAppservice(client, "agents", "t1")) < 5000);
  });

  it("is told apart from one that does not know the registration", async () => {
    const stranger = createHomeserverClient({ url: synapse.url, asToken: "unknown", log });
    const reason = async (asking: HomeserverClient, id: string): Promise<string> => {
      const error: unknown = await pingAppservice(asking, id, "t2").catch((thrown: unknown) => thrown);
      return explainPingFailure(error, { file, url });
    };
    assert.match(await reason(stranger, "agents"), /app_service_config_files/);
    assert.match(await reason(client, "others"), /another id/);
    await stranger.close();
  });

  it("makes users and devices, once", async () => {
    assert.equal(await register(client, "agent_a"), "made");
    assert.equal(await register(client, "agent_a"), "existed");
    await register(client, "agent_b");
    for (const actor of [ghost, other, ghost]) await putDevice(client, actor, "an agent");
    assert.equal(await deviceExists(client, ghost), true);
    assert.equal(await deviceExists(client, { ...ghost, deviceId: "NONE" }), false);
    assert.equal(await whoami(client, ghost), ghost.userId);
    await assert.rejects(register(client, "somebody"), { errcode: "M_EXCLUSIVE" });
  });

  it("lets us act as a device, by its id and by its own token, and ends both", async () => {
    assert.equal(await deviceSeen(client, ghost), ghost.deviceId);
    const byLogin = { userId: ghost.userId, deviceId: "BYLOGIN" };
    const accessToken = await loginDevice(client, byLogin, "an agent");
    const device = { ...byLogin, accessToken };
    assert.deepEqual([await deviceSeen(client, device), await whoami(client, device)], ["BYLOGIN", ghost.userId]);
    const again = await loginDevice(client, byLogin, "an agent");
    assert.notEqual(again, accessToken);
    await logoutDevice(client, { ...byLogin, accessToken: again });
    await logoutDevice(client, { ...byLogin, accessToken: again });
    assert.equal(await deviceExists(client, byLogin), false);
    await loginDevice(client, byLogin, "an agent");
    await deleteByLogin(client, byLogin);
    await deleteByLogin(client, byLogin);
    assert.equal(await deviceExists(client, byLogin), false);
  });

  it("knows the profile and account data set", async () => {
    await setDisplayName(client, ghost, "Agent A");
    const avatar = await uploadMedia(client, ghost, {
      bytes: Buffer.from("\x89PNG", "latin1"),
      contentType: "image/png",
    });
    await setAvatarUrl(client, ghost, avatar);
    assert.deepEqual(await getProfile(client, other, ghost.userId), { displayName: "Agent A", avatarUrl: avatar });
    assert.equal(await getProfile(client, other, `@nobody:${DOMAIN}`), undefined);
    assert.equal(await getAccountData(client, ghost, "m.direct"), undefined);
    await putAccountData(client, ghost, "m.direct", { "@x:y": ["!r"] });
    assert.deepEqual(await getAccountData(client, ghost, "m.direct"), { "@x:y": ["!r"] });
  });

  it("keeps media unchanged, encrypted too, and sends no more of it than is asked for", async () => {
    const file = new Uint8Array(randomBytes(50_000));
    const { bytes, info } = await encryptAttachment(file);
    const uri = await uploadMedia(client, ghost, { bytes, contentType: "application/octet-stream" });
    const downloaded = await downloadMedia(client, ghost, uri, { maxBytes: 60_000 });
    assert.deepEqual(await decryptAttachment(downloaded, info), file);
    await assert.rejects(downloadMedia(client, ghost, uri, { maxBytes: 40_000 }), UnexpectedAnswer);
    await assert.rejects(downloadMedia(client, ghost, `${uri}x`, { maxBytes: 60_000 }), { errcode: "M_NOT_FOUND" });
    await assert.rejects(downloadMedia(client, ghost, "https://example.test/x", { maxBytes: 1 }), UnexpectedAnswer);
  });

  it("gives a device its to-device messages in order, until they are acknowledged", async () => {
    const first = await sync(client, ghost, undefined);
    assert.deepEqual(first.toDevice, []);
    assert.deepEqual(first.unusedFallbackKeys, []);
    for (const count of [1, 2, 2, 3]) {
      const body = JSON.stringify({ messages: { [ghost.userId]: { [ghost.deviceId]: { count } } } });
      await sendToDevice(client, other, { eventType: "m.test", txnId: `to-device-${count}`, body });
    }
    const counts = (messages: readonly Readonly<Record<string, unknown>>[]): unknown[] =>
      messages.map((message) => (message["content"] as { count: unknown }).count);
    const second = await sync(client, ghost, first.nextBatch);
    assert.deepEqual(counts(second.toDevice), [1, 2, 3]);
    assert.deepEqual(counts((await sync(client, ghost, first.nextBatch)).toDevice), [1, 2, 3]);
    assert.deepEqual((await sync(client, ghost, second.nextBatch)).toDevice, []);
    const keys: unknown = JSON.parse(await keysQuery(client, ghost, '{"device_keys":{}}'));
    assert.deepEqual((keys as { device_keys: unknown }).device_keys, {});
  });

  it("tells a device the present state, though it was asked from the same position a moment ago", async () => {
    const { nextBatch } = await sync(client, ghost, undefined);
    // An event that moves the stream position, so that Synapse considers the answer worth keeping.
    await client.request({ method: "POST", path: "/_matrix/client/v3/createRoom", body: {}, as: other });
    assert.deepEqual((await sync(client, ghost, nextBatch)).toDevice, []);
    const body = JSON.stringify({ messages: { [ghost.userId]: { [ghost.deviceId]: { late: true } } } });
    await sendToDevice(client, other, { eventType: "m.test", txnId: "to-device-late", body });
    assert.equal((await sync(client, ghost, nextBatch)).toDevice.length, 1);
  });

  it("sends room events again if we could not store them at first", async () => {
    const room = (await client.request({
      method: "POST",
      path: "/_matrix/client/v3/createRoom",
      body: { invite: [ghost.userId] },
      as: other,
    })) as { room_id: string };
    const roomId = room.room_id;
    await eventually("the invite", () =>
      events.some(({ room_id, state_key }) => room_id === roomId && state_key === ghost.userId),
    );
    const [pending, ...more] = await pendingInvites(client, ghost);
    assert.deepEqual([pending?.roomId, pending?.event["sender"], more], [roomId, other.userId, []]);
    refuse = 1;
    await joinRoom(client, ghost, roomId);
    assert.deepEqual(await pendingInvites(client, ghost), []);
    await joinRoom(client, ghost, roomId);
    assert.deepEqual(await joinedRooms(client, ghost), [roomId]);

    const message = { roomId, type: "m.room.message", txnId: "ghost-1", content: { msgtype: "m.text", body: "hi" } };
    const eventId = await sendEvent(client, ghost, message);
    assert.equal(await sendEvent(client, ghost, { ...message, content: JSON.stringify(message.content) }), eventId);
    await typing(client, ghost, roomId, 5000);
    await typing(client, ghost, roomId, 0);
    await readReceipt(client, ghost, { roomId, eventId, threadId: "main" });
    await sendState(client, other, { roomId, type: "m.room.name", stateKey: "", content: { name: "Room" } });

    const state = await roomState(client, ghost, roomId);
    assert.deepEqual(state.find(({ type }) => type === "m.room.name")?.content, { name: "Room" });
    await leaveRoom(client, other, roomId, "done");
    const membership = new Map(
      (await members(client, ghost, roomId)).map((member) => [member.state_key, member.content]),
    );
    assert.equal(membership.get(ghost.userId)?.["membership"], "join");
    assert.deepEqual(
      [membership.get(other.userId)?.["membership"], membership.get(other.userId)?.["reason"]],
      ["leave", "done"],
    );
    await assert.rejects(roomState(client, other, `!none:${DOMAIN}`), { errcode: "M_FORBIDDEN" });

    await eventually(
      "all events",
      () =>
        events.some(({ event_id }) => event_id === eventId) &&
        events.some(({ state_key, content }) => state_key === other.userId && content["reason"] === "done"),
      { timeoutMs: 60_000 },
    );
    assert.equal(refuse, 0);
  });

  it("asks us about users of ours that it does not know", async () => {
    const invite = { invite: [`@agent_asked:${DOMAIN}`] };
    await client.request({ method: "POST", path: "/_matrix/client/v3/createRoom", body: invite, as: other });
    await eventually("the query", () => asked.includes(`@agent_asked:${DOMAIN}`), {
      instead: () => asked.join(),
    });
  });

  it("says that a device is gone", async () => {
    await deleteDevice(client, other);
    await deleteDevice(client, other);
    assert.equal(await deviceExists(client, other), false);
    await assert.rejects(sync(client, other, undefined), (error) => isUnknownDevice(error));
  });
});
