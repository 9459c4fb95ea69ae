import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { isBackedUp } from "../support/backed-up.ts";
import { eventually } from "../support/eventually.ts";
import { jsonAnswer, startHttpProxy, type HttpProxy, type PassingRequest } from "../support/http-proxy.ts";
import { requestAs } from "../support/matrix-request.ts";
import type { User } from "../support/user.ts";

describe("encryption, when something stands in its way,", () => {
  let deployment: Deployment;
  let homeserver: HttpProxy;
  let alice: User;
  let demo: string;
  let other: string;
  const rooms = new Map<string, string>();

  before(async () => {
    let port = 0;
    homeserver = await startHttpProxy(() => port);
    deployment = await startDeployment({
      agents: {
        demo: { provider: "demo", display_name: "Demo" },
        other: { provider: "demo", display_name: "Other" },
      },
      through: (edge, url) => {
        if (edge !== "bridge to synapse") return Promise.resolve(url);
        port = Number(new URL(url).port);
        return Promise.resolve(homeserver.url);
      },
    });
    alice = await deployment.user("js-sdk", "alice");
    demo = deployment.agent("demo");
    other = deployment.agent("other");
    for (const agent of [demo, other]) {
      const roomId = await alice.createRoom({ direct: true, invite: [agent] });
      rooms.set(agent, roomId);
      await alice.waitMember(roomId, agent);
      await ask(agent, "are you there?");
    }
  });
  after(async () => {
    await deployment.stop();
    await homeserver.stop();
  });

  function roomOf(agent: string): string {
    return rooms.get(agent) ?? "";
  }

  async function ask(agent: string, body: string, person = alice, roomId = roomOf(agent)): Promise<void> {
    await answered(agent, await person.sendText({ roomId, body, mentions: [agent] }), person, roomId);
  }

  async function answered(agent: string, question: string, person = alice, roomId = roomOf(agent)): Promise<void> {
    const answer = await person.waitMessage({ roomId, sender: agent, after: question });
    assert.equal(answer.content["msgtype"], "m.text", answer.body);
    assert.equal(answer.encrypted, true);
  }

  /** Gives these requests of the bridge this answer, until the returned function is called. */
  function instead(
    isMeant: (request: PassingRequest) => boolean,
    answer: () => ReturnType<HttpProxy["intercept"]>,
  ): { readonly count: () => number; readonly end: () => void } {
    let count = 0;
    homeserver.intercept = (request, proxy) => {
      if (!isMeant(request)) return proxy.forward(request);
      count++;
      return answer();
    };
    return {
      count: () => count,
      end: () => {
        homeserver.intercept = (request, proxy) => proxy.forward(request);
      },
    };
  }

  /** As the homeserver; resolves with the status. */
  async function push(): Promise<number> {
    const url = `http://127.0.0.1:${deployment.settings.port}/_matrix/app/v1/transactions/${randomUUID()}`;
    const event = {
      event_id: `$${randomUUID()}`,
      room_id: roomOf(demo),
      sender: alice.userId,
      type: "m.reaction",
      origin_server_ts: Date.now(),
      content: {},
    };
    const response = await fetch(url, {
      method: "PUT",
      headers: { authorization: `Bearer ${deployment.files.hsToken}`, "content-type": "application/json" },
      body: JSON.stringify({ events: [event] }),
    });
    return response.status;
  }

  async function devicesOf(userId: string): Promise<readonly string[]> {
    const answer = await alice.request<{ device_keys: Record<string, Record<string, unknown>> }>(
      "POST",
      "/v3/keys/query",
      { device_keys: { [userId]: [] } },
    );
    return Object.keys(answer.device_keys[userId] ?? {});
  }

  /** Takes a one-time key of an agent's device, like anybody who wants to write to it. */
  async function claim(agent: string): Promise<{ readonly id: string; readonly isFallback: boolean }> {
    const [deviceId = ""] = await devicesOf(agent);
    const { one_time_keys: keys } = await alice.request<{
      one_time_keys: Record<string, Record<string, Record<string, { fallback?: boolean }>>>;
    }>("POST", "/v3/keys/claim", { one_time_keys: { [agent]: { [deviceId]: "signed_curve25519" } } });
    const [[id, key] = []] = Object.entries(keys[agent]?.[deviceId] ?? {});
    assert.ok(id !== undefined && key !== undefined, "there is always a key");
    return { id, isFallback: key.fallback === true };
  }

  it("delays no transaction: they are accepted while no call to the homeserver comes back", async () => {
    let release: (() => void) | undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const hanging = instead(
      () => true,
      () => held.then(() => jsonAnswer(502, {})),
    );
    const question = await alice.sendText({ roomId: roomOf(demo), body: "while nothing comes back" });
    await eventually("the bridge to be held up", () => hanging.count() > 0);
    assert.equal(await push(), 200);
    hanging.end();
    release?.();
    await answered(demo, question);
  });

  it("fails only for one agent when its keys are refused, and goes on when they are accepted", async () => {
    const refusing = instead(
      ({ url }) => url.includes("/keys/upload") && url.includes(encodeURIComponent(demo)),
      () => Promise.resolve(jsonAnswer(400, { errcode: "M_UNKNOWN", error: "One time key already exists" })),
    );
    await claim(demo);
    await ask(demo, "do they take your keys?");
    await eventually("the agent's keys to be refused", () => refusing.count() > 0);
    await ask(other, "and yours?");
    await ask(demo, "and do you go on?");
    assert.equal(await push(), 200);
    assert.ok(refusing.count() < 30, `asked ${refusing.count()} times`);
    refusing.end();
  });

  it("keeps its device when the homeserver can't tell of it at the start", async () => {
    const before = await Promise.all([demo, other].map(devicesOf));
    for (const status of [500, 429]) {
      await deployment.stopBridge("kill");
      const question = await alice.sendText({
        roomId: roomOf(demo),
        body: `asked before a ${status}`,
        mentions: [demo],
      });
      let left = 6;
      const failing = instead(
        ({ url }) => /\/(devices|whoami|keys|sync|account_data|room_keys)/.test(url) && left-- > 0,
        () => Promise.resolve(jsonAnswer(status, { errcode: "M_UNKNOWN", retry_after_ms: 50 })),
      );
      await deployment.startBridge();
      await answered(demo, question);
      assert.equal(failing.count(), 6);
      failing.end();
    }
    assert.deepEqual(await Promise.all([demo, other].map(devicesOf)), before);
  });

  it("goes on with the fallback key when somebody has used up the one-time keys", async () => {
    const claimed = new Set<string>();
    for (let key = await claim(other); !key.isFallback; key = await claim(other)) {
      assert.ok(!claimed.has(key.id), "no key is handed out twice");
      claimed.add(key.id);
    }
    assert.ok(claimed.size > 0);
    const carol = await deployment.user("js-sdk", "carol");
    const roomId = await carol.createRoom({ direct: true, invite: [other] });
    await carol.waitMember(roomId, other);
    await ask(other, "the last of your keys", carol, roomId);
    await eventually("new keys", async () => !(await claim(other)).isFallback);
  });

  it("reaches people who were there before it was switched on, and those with a new device since then", async () => {
    const dora = await deployment.user("js-sdk", "dora");
    const roomId = await alice.createRoom({ encrypted: false, invite: [demo, other, dora.userId] });
    await dora.join(roomId);
    await alice.waitMember(roomId, demo);
    await alice.waitMember(roomId, other);
    const plain = await alice.sendText({ roomId, body: "in clear", mentions: [demo] });
    const answer = await alice.waitMessage({ roomId, sender: demo, after: plain });
    assert.equal(answer.encrypted, false);
    await alice.request("PUT", `/v3/rooms/${encodeURIComponent(roomId)}/state/m.room.encryption/`, {
      algorithm: "m.megolm.v1.aes-sha2",
    });
    await alice.waitEncrypted(roomId);
    for (const agent of [demo, other]) {
      const question = await alice.sendText({ roomId, body: "and now?", mentions: [agent] });
      await answered(agent, question, alice, roomId);
      await answered(agent, question, dora, roomId);
    }
    // Both agents know it by now; somebody talks with only one of them before the other speaks.
    const anew = await deployment.user("js-sdk", "dora");
    await anew.waitMember(roomId, other);
    await ask(demo, "she has another device", alice, roomId);
    const question = await alice.sendText({ roomId, body: "does she read you there?", mentions: [other] });
    await answered(other, question, anew, roomId);
  });

  it("reaches people who come with a device that was made while they were away", async () => {
    const roomId = await alice.createRoom({ invite: [demo] });
    await alice.waitMember(roomId, demo);
    await deployment.synapse.registerUser("faye", "a password");
    const userId = `@faye:${deployment.synapse.serverName}`;
    await alice.invite(roomId, userId);
    await ask(demo, "has she a device?", alice, roomId);
    const faye = await deployment.user("js-sdk", "faye");
    await faye.join(roomId);
    await alice.waitMember(roomId, userId);
    const first = await alice.sendText({ roomId, body: "does she read you?", mentions: [demo] });
    await answered(demo, first, faye, roomId);

    await faye.leave(roomId);
    await alice.waitMember(roomId, userId, "leave");
    await ask(demo, "is she gone?", alice, roomId);
    const anew = await deployment.user("js-sdk", "faye");
    await alice.invite(roomId, userId);
    await anew.join(roomId);
    await alice.waitMember(roomId, userId);
    const second = await alice.sendText({ roomId, body: "and with her new one?", mentions: [demo] });
    await answered(demo, second, anew, roomId);
  });

  it("waits with messages until the recipients are known", async () => {
    const failing = instead(
      ({ url }) => url.includes("/keys/query"),
      () => Promise.resolve(jsonAnswer(502, {})),
    );
    const erin = await deployment.user("js-sdk", "erin");
    const roomId = await erin.createRoom({ direct: true, invite: [demo] });
    await erin.waitMember(roomId, demo);
    const question = await erin.sendText({ roomId, body: "who am I?" });
    await eventually("her devices to be asked for", () => failing.count() > 0);
    failing.end();
    await answered(demo, question, erin, roomId);
  });

  it("halts and keeps its mail when its device was deleted, until it gets a new one", async () => {
    const [deviceId = ""] = await devicesOf(other);
    const asOther = requestAs(deployment.synapse.url, deployment.files.asToken);
    const roomId = roomOf(other);
    const earlier = await alice.sendText({ roomId, body: "before it goes", mentions: [other] });
    await answered(other, earlier);
    const path = `/v3/rooms/${encodeURIComponent(roomId)}/event/${encodeURIComponent(earlier)}`;
    const { content } = await alice.request<{ content: { session_id: string } }>("GET", path);
    const session = { agent: other, roomId, sessionId: content.session_id };
    await eventually("the key to be in the backup", () => isBackedUp(deployment, session));
    // Sent while the device is there: a client that knows that the device is gone gives nobody the key.
    await deployment.stopBridge();
    const question = await alice.sendText({ roomId, body: "where is your device?", mentions: [other] });
    await asOther("DELETE", `/v3/devices/${deviceId}?user_id=${encodeURIComponent(other)}`);
    await deployment.startBridge();
    await eventually("the agent to stand still", () =>
      deployment.bridge
        .logs()
        .some((line) => line["ghost"] === other && line.msg.startsWith("this ghost's device has been deleted")),
    );
    await ask(demo, "but you go on?");
    await deployment.stopBridge();
    const { code, stderr } = await deployment.command(["keys", "new-device", "other"]);
    assert.equal(code, 0, stderr);
    await deployment.startBridge();
    await answered(other, question);
    await ask(other, "are you back?");
    assert.notDeepEqual(await devicesOf(other), [deviceId]);
  });
});
