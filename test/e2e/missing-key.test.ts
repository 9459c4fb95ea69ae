import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import pg from "pg";
import { answeredEvent } from "../../src/matrix/relation.ts";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { startLateKeys, type LateKeys } from "../support/late-keys.ts";
import { startUser, type Message, type User } from "../support/user.ts";

describe("a message whose key does not come", () => {
  let deployment: Deployment;
  let keys: LateKeys;
  let alice: User;
  let agent: string;
  let roomId: string;

  before(async () => {
    deployment = await startDeployment({
      database: "postgres",
      extraConfig: { sync: { missing_key_notice_after: "1s" } },
    });
    agent = deployment.agent("demo");
    keys = await startLateKeys(deployment.synapse.url);
    const { serverName } = deployment.synapse;
    alice = await startUser({
      kind: "js-sdk",
      localpart: "alice",
      synapse: {
        url: keys.url,
        serverName,
        registerUser: (name, password) => deployment.synapse.registerUser(name, password),
      },
    });
    roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
    await answered(await alice.sendText({ roomId, body: "all is well" }));
  });
  after(async () => {
    await alice.stop();
    await keys.stop();
    await deployment.stop();
  });

  function repliesTo(message: Message, question: string): boolean {
    return answeredEvent(message.content) === question;
  }

  function answered(question: string): Promise<Message> {
    const where = (seen: Message): boolean => repliesTo(seen, question) && seen.content["msgtype"] === "m.text";
    return alice.waitMessage({ roomId, sender: agent, after: question, where });
  }

  function noticed(question: string): Promise<Message> {
    const where = (seen: Message): boolean => repliesTo(seen, question) && seen.content["msgtype"] === "m.notice";
    return alice.waitMessage({ roomId, sender: agent, after: question, where });
  }

  function notices(): Message[] {
    return alice.messages(roomId).filter((m) => m.sender === agent && m.content["msgtype"] === "m.notice");
  }

  /** Sends a message under a session whose key is withheld. */
  async function sayUnreadably(body: string): Promise<string> {
    keys.hold();
    await alice.rotateSession(roomId);
    return alice.sendText({ roomId, body });
  }

  it("gets one encrypted notice; when the key comes it is answered, and the notice goes", async () => {
    const first = await sayUnreadably("can you read this?");
    const second = await alice.sendText({ roomId, body: "and this?" });
    const notice = await noticed(first);
    assert.equal(notice.encrypted, true);
    assert.match(notice.body, /^Demo can't read this message yet/);
    await keys.release();
    const third = await alice.sendText({ roomId, body: "now you have the key" });
    for (const question of [first, second, third]) await answered(question);
    await eventually("the notice to go", () => notices().every((message) => message.redacted));
    assert.equal(notices().length, 1, "one for the session");
  });

  it("gets one notice over a restart too, and the notice still goes", async () => {
    await clearNotices();
    const question = await sayUnreadably("before the restart");
    await noticed(question);
    await deployment.stopBridge("kill");
    await deployment.startBridge();
    await keys.release();
    await answered(await alice.sendText({ roomId, body: "after the restart" }));
    await answered(question);
    await eventually("the notice to go", () => notices().every((message) => message.redacted));
    assert.equal(notices().length, 2);
  });

  it("is marked, not answered, when the key comes very late", async () => {
    await clearNotices();
    const late = await sayUnreadably("my favourite animal is the capybara");
    await noticed(late);
    await sql("update mailbox set waiting_since = waiting_since - interval '2 hours' where state = 'awaiting_key'");
    await keys.release();
    const next = await alice.sendText({ roomId, body: "are you there?" });
    await answered(next);
    const mark = await alice.waitEvent({ roomId, sender: agent, where: (event) => event.type === "m.reaction" });
    assert.deepEqual(mark.content["m.relates_to"], { rel_type: "m.annotation", event_id: late, key: "⌛" });
    assert.ok(!alice.messages(roomId).some((m) => m.sender === agent && !m.redacted && repliesTo(m, late)));
    await eventually("it to be remembered", async () => {
      return (await sql("select from messages where event_id = $1", [late])).length === 1;
    });
  });

  it("gets a notice with a remedy when its sender's app withholds the key on purpose", async () => {
    await clearNotices();
    await alice.setOnlyVerifiedDevices(true);
    await alice.rotateSession(roomId);
    const question = await alice.sendText({ roomId, body: "for verified eyes only" });
    const notice = await noticed(question);
    assert.match(notice.body, /only to verified devices/);
    await alice.setOnlyVerifiedDevices(false);
    await alice.rotateSession(roomId);
    await answered(await alice.sendText({ roomId, body: "for everybody again" }));
  });

  it("gets no notice after notice when its client never gives its keys", async () => {
    const before = notices().length;
    const unread = [await sayUnreadably("one"), await sayUnreadably("two"), await sayUnreadably("three")];
    await eventually("all of them to be decided on", async () => {
      const rows = await sql("select told from key_notices");
      return rows.length >= unread.length && rows.every((row) => row["told"] === true);
    });
    assert.equal(notices().length, before, "told an hour ago or less");
    await keys.release();
  });

  /** As if the last notice was long ago: each test is about its own. */
  async function clearNotices(): Promise<void> {
    await sql("update key_notices set created_at = created_at - interval '2 hours'");
  }

  async function sql(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: deployment.settings.database });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text, values)).rows;
    } finally {
      await client.end();
    }
  }

  it("because its sender has blocked the agent's device is read by no agent, and the sender is told", async () => {
    const nora = await deployment.user("nio", "nora");
    const room = await nora.createRoom({ direct: true, invite: [agent] });
    await nora.waitMember(room, agent);
    await nora.block(agent);
    const question = await nora.sendText({ roomId: room, body: "not for your eyes" });
    const notice = await nora.waitMessage({ roomId: room, sender: agent, after: question });
    assert.equal(notice.content["msgtype"], "m.notice");
    assert.match(notice.body, /can't read this message/);
    assert.doesNotMatch(notice.body, /not for your eyes/);
  });
});
