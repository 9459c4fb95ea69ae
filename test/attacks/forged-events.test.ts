import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { Forger, type Forgery } from "../support/forger.ts";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { keysOnlyDevice } from "../support/keys-only-device.ts";
import { requestAs } from "../support/matrix-request.ts";
import type { User } from "../support/user.ts";

type Event = Record<string, unknown> & { content: Record<string, unknown> };

describe("a forged encrypted event", () => {
  let deployment: Deployment;
  let alice: User;
  let agent: string;
  let roomId: string;
  let original: Event;

  before(async () => {
    deployment = await startDeployment({
      agents: {
        demo: { provider: "demo", display_name: "Demo" },
        other: { provider: "demo", display_name: "Other" },
      },
    });
    alice = await deployment.user("js-sdk", "alice");
    agent = deployment.agent("demo");
    roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
    const question = await alice.sendText({ roomId, body: "said once" });
    await alice.waitMessage({ roomId, sender: agent, after: question });
    original = await alice.request<Event>(
      "GET",
      `/v3/rooms/${encodeURIComponent(roomId)}/event/${encodeURIComponent(question)}`,
    );
    assert.equal(original["type"], "m.room.encrypted");
  });
  after(() => deployment.stop());

  /** Hands an event to the bridge as Synapse would; resolves with its id. */
  async function push(change: Record<string, unknown>, content: Record<string, unknown> = {}): Promise<string> {
    const eventId = `$${randomUUID()}`;
    const event = { ...original, room_id: roomId, event_id: eventId, ...change };
    const response = await fetch(
      `http://127.0.0.1:${deployment.settings.port}/_matrix/app/v1/transactions/${randomUUID()}`,
      {
        method: "PUT",
        headers: { authorization: `Bearer ${deployment.files.hsToken}`, "content-type": "application/json" },
        body: JSON.stringify({ events: [{ ...event, content: { ...original.content, ...content } }] }),
      },
    );
    assert.equal(response.status, 200);
    return eventId;
  }

  /** A device that consists only of its keys, which nobody has signed. */
  async function loginWithKeys(
    userId: string,
    login: object,
    token: string,
  ): Promise<{ readonly deviceId: string; readonly request: ReturnType<typeof requestAs> }> {
    const { url } = deployment.synapse;
    const { access_token, device_id } = await requestAs(url, token)<{ access_token: string; device_id: string }>(
      "POST",
      "/v3/login",
      login,
    );
    const request = requestAs(url, access_token);
    await request("POST", "/v3/keys/upload", JSON.parse(keysOnlyDevice(userId, device_id)) as object);
    return { deviceId: device_id, request };
  }

  async function refused(eventId: string, message: string): Promise<void> {
    await eventually(`the bridge to say "${message}" of ${eventId}`, () =>
      deployment.bridge.logs().some((line) => line["event"] === eventId && line.msg.startsWith(message)),
    );
  }

  it("is refused when it repeats the ciphertext of another", async () => {
    await refused(await push({}), "event refused: it replays");
  });

  it("is refused when its claimed sender is not the session's owner", async () => {
    await refused(await push({ sender: "@mallory:example.test" }), "event refused");
  });

  it("is refused when nobody should use its algorithm", async () => {
    await refused(await push({}, { algorithm: "m.olm.v1.curve25519-aes-sha2" }), "event refused");
    await refused(await push({}, { algorithm: "m.megolm.v2" }), "event refused");
  });

  it("is refused when its ciphertext is no Megolm message, however long", async () => {
    await refused(await push({}, { ciphertext: "A".repeat(1_000_000) }), "event refused");
    await refused(await push({}, { ciphertext: 17 }), "event refused");
  });

  it("waits when nobody has the key, and later ones are answered", async () => {
    await refused(await push({}, { session_id: "c2Vzc2lvbg" }), "no key for this event yet");
    const question = await alice.sendText({ roomId, body: "still there?" });
    const answer = await alice.waitMessage({ roomId, sender: agent, after: question });
    assert.match(answer.body, /still there\?/);
    const answers = alice.messages(roomId).filter(({ sender, body }) => sender === agent && body.includes("said once"));
    assert.equal(answers.length, 1);
  });

  describe("whose key came by a to-device message", () => {
    let mallory: Forger;
    let other: string;
    let place: string;

    before(async () => {
      other = deployment.agent("other");
      mallory = await Forger.register(deployment, "mallory");
      const acquainted = await alice.createRoom({ direct: true, invite: [other] });
      await alice.waitMember(acquainted, other);
      ({ room_id: place } = await mallory.request<{ room_id: string }>("POST", "/v3/createRoom", {
        invite: [agent],
        is_direct: true,
        initial_state: [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
      }));
      await eventually("the agent to be there", async () => {
        const { joined } = await mallory.request<{ joined: object }>(
          "GET",
          `/v3/rooms/${encodeURIComponent(place)}/joined_members`,
        );
        return agent in joined;
      });
    });

    it("is read when the to-device message is good, even when that is sent twice; its device is not trusted", async () => {
      await refused(await mallory.say({ roomId: place, encryptFor: agent }), "message not acted on: not trusted");
    });

    const forgeries: readonly [string, () => Omit<Forgery, "roomId">][] = [
      ["is for another agent, by its own words", () => ({ encryptFor: agent, change: { recipient: other } })],
      [
        "is for another device of the agent",
        () => ({ encryptFor: agent, change: { recipient_keys: { ed25519: "x" } } }),
      ],
      ["is from somebody else, by its own words", () => ({ encryptFor: agent, change: { sender: alice.userId } })],
      ["has other keys than its sender's device", () => ({ encryptFor: agent, change: { keys: { ed25519: "x" } } })],
      ["was encrypted for another agent and sent to this one", () => ({ encryptFor: other, deliverTo: agent })],
      ["was sent to another agent alone", () => ({ encryptFor: other })],
      ["was sent in clear", () => ({ encryptFor: agent, clear: true })],
      ["is as long as can be sent", () => ({ encryptFor: agent, change: { recipient: "x".repeat(40_000) } })],
    ];
    for (const [what, forgery] of forgeries) {
      it(`is not read when that message ${what}`, async () => {
        await refused(await mallory.say({ roomId: place, ...forgery() }), "no key for this event yet");
      });
    }

    it("and is counted", () => {
      const lines = deployment.bridge.logs().filter((line) => line.msg.startsWith("to-device messages refused"));
      const counted = lines.reduce((sum, line) => sum + Number(line["count"]), 0);
      // All but the unencrypted one, whose algorithm the engine does not know, and those for the other agent, which are
      // good.
      assert.ok(counted >= 2 * (forgeries.length - 2), `${counted} counted`);
      assert.ok(lines.every((line) => JSON.stringify(line["senders"]) === JSON.stringify([mallory.userId])));
    });

    it("has a key that nobody gets by asking: neither another person, nor a device that the agent's identity has not signed", async () => {
      const asAgent = { type: "m.login.application_service", identifier: { type: "m.id.user", user: agent } };
      const askers = [
        await loginWithKeys(mallory.userId, mallory.login, ""),
        await loginWithKeys(agent, asAgent, deployment.files.asToken),
      ];
      const { algorithm, session_id, sender_key } = original.content;
      for (const { deviceId, request } of askers) {
        const body = { algorithm, room_id: roomId, session_id, sender_key };
        const asks = { action: "request", requesting_device_id: deviceId, request_id: "1", body };
        await request("PUT", "/v3/sendToDevice/m.room_key_request/1", { messages: { [agent]: { "*": asks } } });
      }
      // Before each answer the agent receives everything that was sent to it, and sends the requests that follow.
      for (const body of ["one", "two"]) {
        const question = await alice.sendText({ roomId, body });
        await alice.waitMessage({ roomId, sender: agent, after: question });
      }
      for (const { request } of askers) {
        const { to_device: got } = await request<{ to_device?: { events: { type: string; sender: string }[] } }>(
          "GET",
          "/v3/sync",
        );
        // Others, such as Alice's client, decide themselves what they give to any device.
        const types = (got?.events ?? []).filter(({ sender }) => sender === agent).map(({ type }) => type);
        assert.ok(!types.some((type) => type === "m.room.encrypted" || type === "m.forwarded_room_key"), types.join());
      }
    });

    it("and both agents go on", async () => {
      for (const someone of [agent, other]) {
        const room = await alice.createRoom({ direct: true, invite: [someone] });
        await alice.waitMember(room, someone);
        const question = await alice.sendText({ roomId: room, body: "are you well?" });
        await alice.waitMessage({ roomId: room, sender: someone, after: question });
      }
    });
  });
});
