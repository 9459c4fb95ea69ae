import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import type { User } from "../support/user.ts";

describe("a bridge that gets input which it should not get", () => {
  let deployment: Deployment;
  let alice: User;
  let agent: string;
  let roomId: string;

  before(async () => {
    deployment = await startDeployment({
      extraConfig: { access: { users: ["@alice:example.test"] } },
    });
    alice = await deployment.user("js-sdk", "alice");
    agent = deployment.agent("demo");
    roomId = await alice.createRoom({ direct: true, encrypted: false, invite: [agent] });
    await alice.waitMember(roomId, agent);
  });
  after(() => deployment.stop());

  /** Sends a body as the homeserver would; resolves with the status. */
  async function push(body: string, options: { token?: string | undefined; txnId?: string } = {}): Promise<number> {
    const { token = deployment.files.hsToken, txnId = randomUUID() } = options;
    const response = await fetch(
      `http://127.0.0.1:${deployment.settings.port}/_matrix/app/v1/transactions/${encodeURIComponent(txnId)}`,
      { method: "PUT", body, headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" } },
    );
    await response.arrayBuffer();
    return response.status;
  }

  function message(body: string, more: Record<string, unknown> = {}): Record<string, unknown> {
    return {
      event_id: `$${randomUUID()}`,
      room_id: roomId,
      sender: alice.userId,
      type: "m.room.message",
      origin_server_ts: Date.now(),
      content: { msgtype: "m.text", body },
      ...more,
    };
  }

  async function assertAnswers(body: string): Promise<void> {
    const question = await alice.sendText({ roomId, body });
    await alice.waitMessage({ roomId, sender: agent, after: question, where: (seen) => seen.body.includes(body) });
  }

  function answersTo(text: string): number {
    return alice.messages(roomId).filter((seen) => seen.sender === agent && seen.body.includes(text)).length;
  }

  it("refuses everybody but the homeserver", async () => {
    assert.equal(await push("{}", { token: "wrong" }), 403);
    assert.equal(await push(JSON.stringify({ events: [message("forged")] }), { token: "wrong" }), 403);
    await assertAnswers("after a wrong token");
    assert.equal(answersTo("forged"), 0);
  });

  it("refuses bodies that are no JSON or too large, and goes on", async () => {
    assert.equal(await push("{ this is not json"), 400);
    assert.equal(await push(`{"events":[],"junk":"${"x".repeat(70 * 1024 * 1024)}"}`), 413);
    await assertAnswers("after malformed bodies");
  });

  it("handles the rest of a transaction that holds rubbish", async () => {
    const events = [
      null,
      7,
      "an event",
      {},
      { event_id: "$1" },
      message("no content", { content: null }),
      message("no sender", { sender: undefined }),
      message("odd type", { type: "org.example.unknown" }),
      message("deep", { content: { msgtype: "m.text", body: "deep", deep: "DEEP" } }),
      message("odd content", { content: { msgtype: 7, body: ["not", "text"] } }),
      message("odd relation", { content: { msgtype: "m.text", body: "odd relation", "m.relates_to": "none" } }),
      message("nul", { event_id: "$nul\0", content: { msgtype: "m.text", body: "nul" } }),
      message("half", { event_id: "$half\ud800", room_id: "!half\udfff" }),
      message("odd type", { type: "m.room.\0\ud800" }),
      message("x", { type: "m.room.member", state_key: "@half\ud800:example.test", content: { membership: "join" } }),
      message("x", { type: "m.room.name", state_key: "", content: { name: "name\0\ud800" } }),
      message("x", { type: "m.room.encrypted", content: { algorithm: "none", session_id: 7 } }),
      message("x", { type: "m.room.redaction", content: { redacts: 7 } }),
      message("elsewhere", { room_id: "!unknown:example.test" }),
    ];
    const word = "the one good event";
    assert.equal(
      await push(JSON.stringify({ events: [...events, message(word)], ephemeral: "none", to_device: 7 })),
      200,
    );
    for (const odd of ["[]", '"text"', "7", "null", '{"events":7}', '{"events":{"a":1}}']) {
      assert.equal(await push(odd), 200, odd);
    }
    await eventually("the good event to be answered", () => answersTo(word) === 1);
    await assertAnswers("after rubbish");
  });

  it("answers a message with hostile characters, and one of 64 KiB", async () => {
    const hostile = "nul \0 half \ud800 marks \u202e end-of-hostile";
    assert.equal(await push(JSON.stringify({ events: [message(hostile)] })), 200);
    await eventually("an answer to the hostile message", () => answersTo("end-of-hostile") === 1);
    const long = message(`long ${"word ".repeat(13_000)}`);
    assert.equal(await push(JSON.stringify({ events: [long] })), 200);
    await eventually("an answer to the long message", () => answersTo("> long word word") === 1);
  });

  it("answers an event once, whichever transaction brings it, and new events under an old transaction id", async () => {
    const first = message("said under one id");
    assert.equal(await push(JSON.stringify({ events: [first] }), { txnId: "1" }), 200);
    assert.equal(await push(JSON.stringify({ events: [first] }), { txnId: "2" }), 200);
    const second = message("said under an old id");
    assert.equal(await push(JSON.stringify({ events: [first, second, second] }), { txnId: "1" }), 200);
    await eventually("the second event to be answered", () => answersTo("said under an old id") === 1);
    await assertAnswers("after repeats");
    assert.equal(answersTo("said under one id"), 1);
    assert.equal(answersTo("said under an old id"), 1);
  });

  it("survives when the state of a room can't be read", async () => {
    const lost = "!lost:example.test";
    const join = {
      type: "m.room.member",
      room_id: lost,
      state_key: agent,
      sender: agent,
      content: { membership: "join" },
    };
    const events = [
      message("", join),
      message("hello from nowhere", {
        room_id: lost,
        content: { msgtype: "m.text", body: "hello from nowhere", "m.mentions": { user_ids: [agent] } },
      }),
    ];
    assert.equal(await push(JSON.stringify({ events })), 200);
    await assertAnswers("after an unreadable room");
  });

  it("declines the invite of somebody without access, with the reason", async () => {
    const mallory = await deployment.user("js-sdk", "mallory");
    const room = await mallory.createRoom({ direct: true, invite: [agent] });
    await mallory.waitMember(room, agent, "leave");
    const state = await mallory.request(
      "GET",
      `/v3/rooms/${encodeURIComponent(room)}/state/m.room.member/${encodeURIComponent(agent)}`,
    );
    assert.equal(state["membership"], "leave");
    assert.match(String(state["reason"]), /not allowed/);
  });
});
