import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { TRUST_ANYONE, startDeployment, type Deployment } from "../support/deployment.ts";
import type { Message, NewText, User } from "../support/user.ts";

let deployment: Deployment;
let alice: User;
let bob: User;
let ada: string;
let max: string;

before(async () => {
  deployment = await startDeployment({
    extraConfig: TRUST_ANYONE,
    agents: {
      ada: { provider: "demo", display_name: "Ada" },
      max: { provider: "demo", display_name: "Max" },
    },
  });
  [ada, max] = [deployment.agent("ada"), deployment.agent("max")];
  [alice, bob] = await Promise.all([deployment.user("js-sdk", "alice"), deployment.user("nio", "bob")]);
});
after(() => deployment.stop());

for (const encrypted of [true, false]) {
  describe(`a group that is ${encrypted ? "encrypted" : "plain"}, with two people and two agents`, () => {
    let roomId: string;

    before(async () => {
      roomId = await alice.createRoom({ encrypted, invite: [bob.userId, ada, max] });
      await bob.join(roomId);
      for (const userId of [bob.userId, ada, max]) await alice.waitMember(roomId, userId);
      for (const userId of [ada, max]) await bob.waitMember(roomId, userId);
    });

    async function answerTo(person: User, agent: string, question: string): Promise<Message> {
      return person.waitMessage({ roomId, sender: agent, after: question });
    }

    async function ask(person: User, agent: string, text: Omit<NewText, "roomId">): Promise<Message> {
      return answerTo(person, agent, await person.sendText({ roomId, ...text }));
    }

    /** The agents that have answered since a message; asked when a later question has been answered by both. */
    function answeredSince(question: string): string[] {
      const events = alice.events(roomId).map((event) => event.eventId);
      const since = new Set(events.slice(events.indexOf(question) + 1));
      return alice
        .messages(roomId)
        .filter((message) => since.has(message.eventId) && [ada, max].includes(message.sender))
        .map((message) => message.sender);
    }

    it("is answered only by the agent that is mentioned, by pill, by name and by reply", async () => {
      const start = await alice.sendText({ roomId, body: "good morning everybody" });
      const byMention = await ask(alice, ada, { body: "what do you think?", mentions: [ada] });
      assert.equal(byMention.encrypted, encrypted);
      assert.deepEqual(byMention.content["m.mentions"], { user_ids: [alice.userId] });

      const pill = await alice.send(roomId, {
        msgtype: "m.text",
        body: "Max: by pill",
        format: "org.matrix.custom.html",
        formatted_body: `<a href="https://matrix.to/#/${max}">Max</a>: by pill`,
      });
      assert.match((await answerTo(alice, max, pill)).body, /by pill/);
      assert.match((await ask(bob, ada, { body: "ada, by name" })).body, /by name/);
      assert.match((await ask(bob, ada, { body: "by reply", replyTo: byMention.eventId })).body, /by reply/);
      // js-sdk sees all of it in the end.
      await alice.waitMessage({ roomId, sender: ada, where: (seen) => seen.body.includes("by reply") });
      assert.deepEqual(answeredSince(start), [ada, max, ada, ada]);
    });

    it("is not answered when a message says @room, names no agent, or is from an agent to another", async () => {
      const start = await alice.send(roomId, {
        msgtype: "m.text",
        body: "@room dinner is ready",
        "m.mentions": { room: true },
      });
      await alice.send(roomId, { msgtype: "m.notice", body: "Ada: a notice", "m.mentions": { user_ids: [ada] } });
      await bob.sendText({ roomId, body: "Adamantine is a nice word" });
      // Ada's answer quotes the question, which names Max; that must not make Max answer.
      const answer = await ask(alice, ada, { body: "Max is your friend, isn't he?", mentions: [ada] });
      assert.match(answer.body, /Max is your friend/);
      await ask(alice, max, { body: "are you there?", mentions: [max] });
      assert.deepEqual(answeredSince(start), [ada, max]);
    });

    it("has its speakers named to the model, and somebody who joins later answered", async () => {
      const name = encrypted ? "carol" : "carla";
      const carol = await deployment.user("js-sdk", name);
      await alice.invite(roomId, carol.userId);
      await carol.join(roomId);
      await carol.waitMember(roomId, ada);
      const answer = await ask(carol, ada, { body: "who am I?", mentions: [ada] });
      assert.match(answer.body, new RegExp(name));
      assert.deepEqual(answer.content["m.mentions"], { user_ids: [carol.userId] });
    });
  });
}

describe("rooms of every version that the homeserver offers", () => {
  it("are joined, and get answers", async () => {
    const { capabilities } = await alice.request<{
      capabilities: { "m.room_versions": { available: Record<string, string> } };
    }>("GET", "/v3/capabilities");
    const versions = Object.keys(capabilities["m.room_versions"].available);
    assert.ok(versions.includes("11"));
    for (const roomVersion of versions) {
      const roomId = await alice.createRoom({ direct: true, encrypted: true, roomVersion, invite: [ada] });
      await alice.waitMember(roomId, ada);
      const question = await alice.sendText({ roomId, body: `version ${roomVersion}` });
      const answer = await alice.waitMessage({ roomId, sender: ada, after: question });
      assert.match(answer.body, new RegExp(`version ${roomVersion.replaceAll(".", "\\.")}`));
      const deleted = await alice.redact(roomId, question);
      assert.ok(deleted);
    }
  });
});
