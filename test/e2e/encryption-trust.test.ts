import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import pg from "pg";
import { startDeployment, TRUST_ANYONE, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import type { Message, User } from "../support/user.ts";

describe("the people whom agents trust", () => {
  let deployment: Deployment;
  let alice: User;
  let unsigned: User;
  let demo: string;
  let open: string;
  let roomId: string;

  before(async () => {
    deployment = await startDeployment({
      database: "postgres",
      agents: {
        demo: { provider: "demo", display_name: "Demo" },
        open: { provider: "demo", display_name: "Open", ...TRUST_ANYONE.encryption },
        tofu: {
          provider: "demo",
          display_name: "Tofu",
          trust: { send: "cross-signed-tofu", read: "cross-signed-tofu" },
        },
      },
      extraConfig: { encryption: { verification: "accept" } },
    });
    demo = deployment.agent("demo");
    open = deployment.agent("open");
    alice = await deployment.user("js-sdk", "alice");
    unsigned = await deployment.user("js-sdk", "alice", { unsigned: true });
    roomId = await alice.createRoom({ direct: true, invite: [demo] });
    await alice.waitMember(roomId, demo);
    await unsigned.waitMember(roomId, demo);
  });
  after(() => deployment.stop());

  async function query<Row>(sql: string, values: unknown[]): Promise<Row[]> {
    const client = new pg.Client({ connectionString: deployment.settings.database });
    await client.connect();
    try {
      return (await client.query(sql, values)).rows as Row[];
    } finally {
      await client.end();
    }
  }

  it("have devices that they have signed, and the shield of each message is kept", async () => {
    const question = await alice.sendText({ roomId, body: "hello" });
    await alice.waitMessage({ roomId, sender: demo, after: question });
    const rows = await query("select shield from messages where event_id = $1", [question]);
    assert.deepEqual(rows, [{ shield: "unverified_identity" }]);
  });

  it("are told by a code why a device gets no keys", async () => {
    const seen = await unsigned.waitEvent({
      roomId,
      sender: demo,
      where: (event) => event.decryptionError !== undefined,
    });
    assert.equal(seen.decryptionError, "MEGOLM_KEY_WITHHELD_FOR_UNVERIFIED_DEVICE");
  });

  it("get one notice about such a device, readable there, and no answer", async () => {
    const first = await unsigned.sendText({ roomId, body: "do you hear me?" });
    const notice = await unsigned.waitMessage({ roomId, sender: demo, after: first });
    assert.equal(notice.content["msgtype"], "m.notice");
    assert.match(notice.body, /you have not verified the device it came from\. Please/);
    assert.equal(notice.encrypted, true);

    const second = await unsigned.sendText({ roomId, body: "and now?" });
    await eventually("the second message to be set aside", async () => {
      const rows = await query("select reason from mailbox where state = 'set_aside' and event_id in ($1, $2)", [
        first,
        second,
      ]);
      return rows.length === 2;
    });
    const third = await alice.sendText({ roomId, body: "but me" });
    const answer = await alice.waitMessage({ roomId, sender: demo, after: third });
    assert.match(answer.body, /but me/);
    const said = alice.messages(roomId).filter(({ sender }) => sender === demo);
    assert.equal(said.filter(({ content }) => content["msgtype"] === "m.notice").length, 1);
    assert.ok(!said.some(({ body }) => /hear me|and now/.test(body)));
    // The notice's key was for all devices; the key of later messages is not.
    const kept = await unsigned.waitEvent({ roomId, where: ({ eventId }) => eventId === answer.eventId });
    assert.equal(kept.decryptionError, "MEGOLM_KEY_WITHHELD_FOR_UNVERIFIED_DEVICE");
  });

  it("may use any device where the operator chooses so, for an agent", async () => {
    const bob = await deployment.user("nio", "bob");
    const dm = await bob.createRoom({ direct: true, invite: [open] });
    await bob.waitMember(dm, open);
    const question = await bob.sendText({ roomId: dm, body: "hello from nio" });
    const answer = await bob.waitMessage({ roomId: dm, sender: open, after: question });
    assert.match(answer.body, /hello from nio/);
  });

  it("need, where the operator chooses so, only the identity that was seen first, until they are verified", async () => {
    const tofu = deployment.agent("tofu");
    const dora = await deployment.user("js-sdk", "dora");
    const emil = await deployment.user("js-sdk", "emil");
    const room = await dora.createRoom({ invite: [tofu, emil.userId] });
    await emil.join(room);
    for (const person of [dora, emil]) await person.waitMember(room, tofu);
    const ask = async (person: User, body: string): Promise<Message> => {
      const question = await person.sendText({ roomId: room, body, mentions: [tofu] });
      return person.waitMessage({ roomId: room, sender: tofu, after: question });
    };
    assert.match((await ask(dora, "as I was")).body, /as I was/);
    await dora.resetIdentity();
    assert.match(
      (await ask(dora, "as I am")).body,
      /the encryption identity of dora \(@dora:example\.test\) has changed/,
    );
    const answer = await ask(emil, "do you still know me?");
    assert.match(answer.body, /do you still know me/);
    const kept = await dora.waitEvent({ roomId: room, where: ({ eventId }) => eventId === answer.eventId });
    assert.equal(kept.decryptionError, "MEGOLM_KEY_WITHHELD_FOR_UNVERIFIED_DEVICE");

    await dora.verify({ userId: tofu, roomId: room });
    assert.deepEqual(await dora.finishVerification(true), { done: true });
    const again = await dora.waitMessage({
      roomId: room,
      sender: tofu,
      where: ({ body }) => body.includes("by itself"),
    });
    assert.equal(again.decryptionError, undefined);
    assert.match((await ask(dora, "now it is me again")).body, /now it is me again/);
  });

  it("get no notice in a group where nobody spoke to the agent", async () => {
    const carol = await deployment.user("js-sdk", "carol", { unsigned: true });
    const group = await alice.createRoom({ invite: [demo, carol.userId] });
    await carol.join(group);
    await carol.waitMember(group, demo);
    await carol.sendText({ roomId: group, body: "just among us" });
    const asked = await carol.sendText({ roomId: group, body: "Demo?", mentions: [demo] });
    await carol.waitMessage({ roomId: group, sender: demo, after: asked });
    assert.equal(carol.messages(group).filter(({ sender }) => sender === demo).length, 1);
  });
});
