import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import type { User } from "../support/user.ts";

type Event = Record<string, unknown> & { content: Record<string, unknown> };

describe("an encrypted event that is not what it seems", () => {
  let deployment: Deployment;
  let alice: User;
  let agent: string;
  let roomId: string;
  let original: Event;

  before(async () => {
    deployment = await startDeployment();
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

  async function refused(eventId: string, message: string): Promise<void> {
    await eventually(`the bridge to say "${message}" of ${eventId}`, () =>
      deployment.bridge.logs().some((line) => line["event"] === eventId && line.msg.startsWith(message)),
    );
  }

  it("is refused when it repeats the ciphertext of another", async () => {
    await refused(await push({}), "event refused: it repeats");
  });

  it("is refused when another than the session's owner is said to have sent it", async () => {
    await refused(await push({ sender: "@mallory:example.test" }), "event refused");
  });

  it("is refused when its algorithm is one that nobody should use", async () => {
    await refused(await push({}, { algorithm: "m.olm.v1.curve25519-aes-sha2" }), "event refused");
    await refused(await push({}, { algorithm: "m.megolm.v2" }), "event refused");
  });

  it("is refused when its ciphertext is no Megolm message, however long", async () => {
    await refused(await push({}, { ciphertext: "A".repeat(1_000_000) }), "event refused");
    await refused(await push({}, { ciphertext: 17 }), "event refused");
  });

  it("waits when nobody has the key, and those behind it are answered", async () => {
    await refused(await push({}, { session_id: "c2Vzc2lvbg" }), "no key for this event yet");
    const question = await alice.sendText({ roomId, body: "still there?" });
    const answer = await alice.waitMessage({ roomId, sender: agent, after: question });
    assert.match(answer.body, /still there\?/);
    const answers = alice.messages(roomId).filter(({ sender, body }) => sender === agent && body.includes("said once"));
    assert.equal(answers.length, 1);
  });
});
