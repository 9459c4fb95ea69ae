import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { isBackedUp } from "../support/backed-up.ts";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import type { User } from "../support/user.ts";

describe("an encrypted room", () => {
  let deployment: Deployment;
  let alice: User;
  let agent: string;

  before(async () => {
    deployment = await startDeployment({
      agents: {
        demo: { provider: "demo", display_name: "Demo" },
        strict: { provider: "demo", display_name: "Strict", trust: { read: "cross-signed-verified" } },
      },
    });
    alice = await deployment.user("js-sdk", "alice");
    agent = deployment.agent("demo");
  });
  after(() => deployment.stop());

  async function room(people: readonly User[] = [], encryption: object = {}): Promise<string> {
    const { room_id: roomId } = await alice.request<{ room_id: string }>("POST", "/v3/createRoom", {
      preset: "private_chat",
      invite: [agent, ...people.map(({ userId }) => userId)],
      initial_state: [
        { type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2", ...encryption } },
      ],
    });
    for (const person of people) await person.join(roomId);
    await alice.waitMember(roomId, agent);
    return roomId;
  }

  /** Asks, and resolves with the answer's event id and the session it was encrypted with. */
  async function ask(roomId: string, body: string): Promise<{ eventId: string; session: unknown }> {
    const question = await alice.sendText({ roomId, body, mentions: [agent] });
    const answer = await alice.waitMessage({ roomId, sender: agent, after: question });
    assert.ok(answer.body.includes(body));
    return { eventId: answer.eventId, session: (await raw(roomId, answer.eventId)).content["session_id"] };
  }

  async function raw(roomId: string, eventId: string): Promise<{ type: string; content: Record<string, unknown> }> {
    return alice.request("GET", `/v3/rooms/${encodeURIComponent(roomId)}/event/${encodeURIComponent(eventId)}`);
  }

  it("has a new session as often as its state says, and a long conversation is readable throughout", async () => {
    const roomId = await room([], { rotation_period_msgs: 2 });
    const sessions = new Set<unknown>();
    for (let count = 1; count <= 7; count++) sessions.add((await ask(roomId, `question ${count}`)).session);
    assert.equal(sessions.size, 4);
    assert.ok(alice.events(roomId).every((event) => event.decryptionError === undefined));
  });

  it("gets a new session when somebody leaves, and not for a new name", async () => {
    const bob = await deployment.user("js-sdk", "bob");
    const roomId = await room([bob]);
    const first = await ask(roomId, "the three of us");
    await bob.request("PUT", `/v3/profile/${encodeURIComponent(bob.userId)}/displayname`, { displayname: "Robert" });
    const renamed = await ask(roomId, "by another name");
    assert.equal(renamed.session, first.session);
    await bob.leave(roomId);
    await alice.waitMember(roomId, bob.userId, "leave");
    const alone = await ask(roomId, "the two of us");
    assert.notEqual(alone.session, first.session);
  });

  it("gives people who join later the keys from then on, and none from before", async () => {
    const roomId = await room();
    const early = await ask(roomId, "before you came");
    const carol = await deployment.user("js-sdk", "carol");
    await alice.invite(roomId, carol.userId);
    await carol.join(roomId);
    await carol.waitMember(roomId, agent);
    const late = await ask(roomId, "now that you are here");
    const heard = await carol.waitMessage({ roomId, sender: agent, where: ({ eventId }) => eventId === late.eventId });
    assert.match(heard.body, /now that you are here/);
    await assert.rejects(carol.readEvent(roomId, early.eventId), /HISTORICAL_MESSAGE_USER_NOT_JOINED/);
  });

  it("has the keys of its history accepted from the inviter, as far as the inviter is trusted", async () => {
    const strict = deployment.agent("strict");
    // So that it has a device to which keys can be given.
    await alice.waitMember(await alice.createRoom({ direct: true, invite: [strict] }), strict);
    const roomId = await alice.createRoom();
    const before = await alice.sendText({ roomId, body: "before you came" });
    const sessionId = String((await raw(roomId, before)).content["session_id"]);
    for (const member of [strict, agent]) {
      await alice.inviteWithHistory(roomId, member);
      await alice.waitMember(roomId, member);
    }
    await eventually("the key to be the agent's too", () => isBackedUp(deployment, { agent, roomId, sessionId }));
    await eventually("the strict one to decline", () =>
      deployment.bridge
        .logs()
        .some((line) => line["ghost"] === strict && line.msg.includes("history were not taken: the inviter")),
    );
    assert.equal(await isBackedUp(deployment, { agent: strict, roomId, sessionId }), false);
    await ask(roomId, "now that you are here");
  });

  it("gets a new session when a device of a member is gone", async () => {
    const dave = await deployment.user("js-sdk", "dave");
    const roomId = await room([dave]);
    const first = await ask(roomId, "with your device");
    await dave.request("POST", "/v3/logout", {});
    await dave.stop();
    let last = first;
    await eventually("a new session", async () => {
      last = await ask(roomId, "without it");
      return last.session !== first.session;
    });
  });

  it("never gets unencrypted messages again, whatever state comes after", async () => {
    const roomId = await room();
    await ask(roomId, "encrypted");
    await alice.request("PUT", `/v3/rooms/${encodeURIComponent(roomId)}/state/m.room.encryption/`, {});
    const { eventId } = await ask(roomId, "still encrypted");
    assert.equal((await raw(roomId, eventId)).type, "m.room.encrypted");
  });

  it("is followed to its successor, and is a direct chat there if it was one here", async () => {
    const upgrade = async (roomId: string): Promise<string> => {
      const path = `/v3/rooms/${encodeURIComponent(roomId)}/upgrade`;
      return (await alice.request<{ replacement_room: string }>("POST", path, { new_version: "11" })).replacement_room;
    };
    const direct = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(direct, agent);
    await ask(direct, "in the old room");
    const invited = await upgrade(direct);
    await alice.invite(invited, agent);
    await alice.waitMember(invited, agent);
    const question = await alice.sendText({ roomId: invited, body: "in the new one" });
    const answer = await alice.waitMessage({ roomId: invited, sender: agent, after: question });
    assert.equal(answer.encrypted, true);

    const group = await room();
    await alice.request("PUT", `/v3/rooms/${encodeURIComponent(group)}/state/m.room.join_rules/`, {
      join_rule: "public",
    });
    const open = await upgrade(group);
    await alice.waitMember(open, agent);
    await ask(open, "and here?");
  });

  it("that names a successor which does not name it is not followed", async () => {
    const roomId = await room();
    const { room_id: other } = await alice.request<{ room_id: string }>("POST", "/v3/createRoom", {
      preset: "public_chat",
    });
    const content = { body: "moved", replacement_room: other };
    await alice.request("PUT", `/v3/rooms/${encodeURIComponent(roomId)}/state/m.room.tombstone/`, content);
    await alice.waitMember(other, agent, "leave");
    await eventually("the agent to have looked", () =>
      deployment.bridge.logs().some((line) => line.msg.startsWith("a room is not followed: it does not name this one")),
    );
  });

  it("has unencrypted messages refused, with one notice about it", async () => {
    const roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
    for (const [index, body] of ["in clear", "again in clear"].entries()) {
      const content = { msgtype: "m.text", body };
      await alice.request("PUT", `/v3/rooms/${encodeURIComponent(roomId)}/send/m.room.message/clear${index}`, content);
    }
    const notice = await alice.waitMessage({ roomId, sender: agent });
    assert.match(notice.body, /was not encrypted/);
    const question = await alice.sendText({ roomId, body: "and encrypted" });
    const answer = await alice.waitMessage({ roomId, sender: agent, after: question });
    assert.match(answer.body, /and encrypted/);
    assert.equal(alice.messages(roomId).filter(({ sender }) => sender === agent).length, 2);
  });
});

for (const [mode, isEncrypted] of [
  ["require", true],
  ["off", false],
] as const) {
  describe(`agents with the encryption mode ${mode}`, () => {
    let deployment: Deployment;
    let alice: User;
    let agent: string;

    before(async () => {
      deployment = await startDeployment({ extraConfig: { encryption: { mode } } });
      alice = await deployment.user("js-sdk", "alice");
      agent = deployment.agent("demo");
    });
    after(() => deployment.stop());

    it(`answer in rooms that are ${isEncrypted ? "" : "not "}encrypted`, async () => {
      const roomId = await alice.createRoom({ direct: true, encrypted: isEncrypted, invite: [agent] });
      await alice.waitMember(roomId, agent);
      const question = await alice.sendText({ roomId, body: "hello" });
      await alice.waitMessage({ roomId, sender: agent, after: question });
    });

    it("decline the other rooms, and say why", async () => {
      const roomId = await alice.createRoom({ direct: true, encrypted: !isEncrypted, invite: [agent] });
      const path = `/v3/rooms/${encodeURIComponent(roomId)}/state/m.room.member/${encodeURIComponent(agent)}`;
      await eventually("the invite to be declined, with the reason", async () => {
        const { membership, reason = "" } = await alice.request<{ membership: string; reason?: string }>("GET", path);
        return membership === "leave" && reason.includes("encrypted rooms");
      });
    });
  });
}
