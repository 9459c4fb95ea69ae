import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { dump, load } from "js-yaml";
import type { LogLine } from "../support/bridge.ts";
import { startDeployment, type Deployment } from "../support/deployment.ts";
import { eventually } from "../support/eventually.ts";
import { openDirectChat, queryKeys } from "../support/first-contact.ts";
import { DOMAIN } from "../support/homeserver.ts";
import { requestAs } from "../support/matrix-request.ts";
import type { User } from "../support/user.ts";

type Settings = Record<string, unknown>;

describe("a bridge whose permissions change while it runs", () => {
  let deployment: Deployment;
  let alice: User;
  let bob: User;
  let agent: string;
  let list: string;
  /** An encrypted room of somebody who may no longer use the agent. */
  let denied: string;
  const bot = `@agents:${DOMAIN}`;

  before(async () => {
    deployment = await startDeployment({
      // A verification without a message in the room is noticed at once.
      toDevicePush: true,
      agents: { demo: { provider: "demo", display_name: "Demo" }, other: { provider: "demo", display_name: "Other" } },
    });
    [alice, bob] = await Promise.all([deployment.user("js-sdk", "alice"), deployment.user("js-sdk", "bob")]);
    agent = deployment.agent("demo");
    list = await alice.createRoom({ encrypted: false, preset: "public_chat", name: "Bans" });
  });
  after(() => deployment.stop());

  /** The log's lines with these words, so far. */
  const said = (words: RegExp): LogLine[] => deployment.bridge.logs().filter(({ msg }) => words.test(msg));

  /** Changes config.yaml, sends SIGHUP, and waits for the result. */
  async function reload(change: (settings: Settings) => void, outcome: RegExp): Promise<LogLine | undefined> {
    const settings = load(await readFile(deployment.files.config, "utf8")) as Settings;
    change(settings);
    await writeFile(deployment.files.config, dump(settings));
    const before = said(/^the (new )?configuration is/).length;
    process.kill(deployment.bridge.pid, "SIGHUP");
    await eventually("the configuration to be read", () => said(/^the (new )?configuration is/).length > before);
    const line = said(/^the (new )?configuration is/).at(-1);
    assert.match(line?.msg ?? "", outcome, JSON.stringify(line));
    return line;
  }

  const permit = (permissions: Settings) => (settings: Settings) => {
    settings["permissions"] = { ...(settings["permissions"] as Settings | undefined), ...permissions };
  };
  const TAKEN = /is applied/;

  async function ban(entity: string | undefined): Promise<void> {
    const read = said(/^ban list read/).length;
    const content = entity === undefined ? {} : { entity, recommendation: "m.ban", reason: "spam" };
    await alice.request("PUT", `/v3/rooms/${encodeURIComponent(list)}/state/m.policy.rule.user/rule`, content);
    await eventually("the ban list to be read", () => said(/^ban list read/).length > read);
  }

  /** The reason with which an invite of somebody is declined; undefined when it is accepted. */
  async function invited(inviter: User, room?: string): Promise<string | undefined> {
    room ??= await inviter.createRoom({ encrypted: false, invite: [agent] });
    let member: { membership: string; reason?: string } = { membership: "invite" };
    const path = `/v3/rooms/${encodeURIComponent(room)}/state/m.room.member/${encodeURIComponent(agent)}`;
    await eventually("the invite to be answered", async () => {
      member = await inviter.request<typeof member>("GET", path);
      return member.membership !== "invite";
    });
    return member.membership === "join" ? undefined : (member.reason ?? "no reason");
  }

  async function answer(user: User, roomId: string, body: string, from = agent): Promise<string> {
    const question = await user.sendText({ roomId, body, mentions: [from] });
    return (await user.waitMessage({ roomId, sender: from, after: question })).body;
  }

  it("follows a configured ban list: it joins the list, and obeys it at once and after a restart, until the list changes", async () => {
    await reload(permit({ ban_lists: [list, "!nowhere:nowhere.invalid"] }), TAKEN);
    await alice.waitMember(list, bot);
    await eventually("the list that is no room to be told of", () => said(/^a ban list can't be read/).length === 1);
    assert.equal(await invited(bob), undefined, "not banned yet");
    await ban(bob.userId);
    assert.match((await invited(bob)) ?? "", /not allowed to invite/);
    assert.equal(await invited(alice), undefined, "others are not");
    await alice.sendText({ roomId: list, body: "help", mentions: [bot] });

    assert.deepEqual(await deployment.stopBridge(), { code: 0, signal: null });
    await deployment.startBridge();
    assert.match((await invited(bob)) ?? "", /not allowed to invite/);
    await ban(undefined);
    assert.equal(await invited(bob), undefined, "the rule was taken back");
    assert.deepEqual(
      alice.messages(list).filter(({ sender }) => sender === bot),
      [],
      "the bot says nothing in the list",
    );
  });

  it("applies new rules for an agent's users, blocked rooms, sizes and quotas, and says why it declines", async () => {
    const room = await bob.createRoom({ encrypted: false, direct: true, invite: [agent] });
    await bob.waitMember(room, agent);
    assert.match(await answer(bob, room, "hello"), /hello/);

    await reload(permit({ agents: { demo: [alice.userId] }, rooms: { [room]: "none" } }), TAKEN);
    assert.match((await invited(bob)) ?? "", /use this agent/);
    await reload(permit({ agents: {} }), TAKEN);
    assert.equal(await invited(bob), undefined);
    const ignored = said(/^message refused/).length;
    await bob.sendText({ roomId: room, body: "anybody there?" });
    await eventually("the message to be refused", () => said(/^message refused/).length > ignored);
    assert.equal(said(/^message refused/).at(-1)?.["reason"], "room_blocked");

    await reload(permit({ rooms: {} }), TAKEN);
    assert.match(await answer(bob, room, "and now?"), /and now\?/);
  });

  it("tells the homeserver about its agents, and knows none that nobody may use", async () => {
    const { port, url = `http://127.0.0.1:${port}` } = deployment.settings;
    const known = async (name: string): Promise<number> => {
      const path = `/_matrix/app/v1/users/${encodeURIComponent(deployment.agent(name))}`;
      const headers = { authorization: `Bearer ${deployment.files.hsToken}` };
      return (await fetch(`${url}${path}`, { headers })).status;
    };
    await reload(permit({ agents: { other: [] } }), TAKEN);
    assert.deepEqual([await known("demo"), await known("other")], [200, 404]);
    await reload(permit({ agents: {} }), TAKEN);
    assert.equal(await known("other"), 200);
  });

  it("declines an invite into a room that is too large, and answers in none that has grown, saying so once", async () => {
    const carol = await deployment.user("js-sdk", "carol");
    await reload(permit({ max_room_members: 2 }), TAKEN);
    const large = await alice.createRoom({ encrypted: false, preset: "public_chat" });
    for (const user of [bob, carol]) await user.join(large);
    await alice.invite(large, agent);
    await alice.waitMember(large, agent, "leave");
    assert.equal(said(/^invite declined/).at(-1)?.["why"], "room_too_large");

    const growing = await alice.createRoom({ encrypted: false, preset: "public_chat", invite: [agent] });
    await alice.waitMember(growing, agent);
    assert.match(await answer(alice, growing, "still small"), /still small/);
    await bob.join(growing);
    assert.match(await answer(alice, growing, "large now"), /at most 2 members/);
    const refused = said(/^message refused/).length;
    const question = await alice.sendText({ roomId: growing, body: "and again", mentions: [agent] });
    await eventually("the message to be refused", () => said(/^message refused/).length > refused);
    await reload(permit({ max_room_members: 3 }), TAKEN);
    await alice.sendText({ roomId: growing, body: "allowed", mentions: [agent] });
    const next = await alice.waitMessage({ roomId: growing, sender: agent, after: question });
    assert.match(next.body, /allowed/, "it was said once that the room is too large");
  });

  it("leaves a room that turns out too large only when it is in it, and says nothing there", async () => {
    const dora = await deployment.user("js-sdk", "dora");
    await reload(permit({ max_room_members: 2 }), TAKEN);
    const large = await alice.createRoom({ encrypted: false, preset: "public_chat" });
    for (const user of [bob, dora]) await user.join(large);
    // The bridge does not know about this join, as when the homeserver did not tell the room's size at the invite.
    process.kill(deployment.bridge.pid, "SIGSTOP");
    try {
      await alice.invite(large, agent);
      const asAgent = requestAs(deployment.synapse.url, deployment.files.asToken);
      await asAgent("POST", `/v3/join/${encodeURIComponent(large)}?user_id=${encodeURIComponent(agent)}`, {});
    } finally {
      process.kill(deployment.bridge.pid, "SIGCONT");
    }
    await alice.waitMember(large, agent, "leave");
    await eventually(
      "the reason to be told",
      () => said(/^the ghost left the room/).at(-1)?.["why"] === "room_too_large",
    );
    const path = `/v3/rooms/${encodeURIComponent(large)}/messages?dir=b&limit=50`;
    const { chunk } = await alice.request<{ chunk: { type: string; sender: string }[] }>("GET", path);
    assert.deepEqual(
      chunk.filter(({ type, sender }) => type === "m.room.message" && sender === agent),
      [],
    );
  });

  it("accepts only so many invites in a day", async () => {
    await reload(permit({ max_room_members: 1_000, invites_per_day: { user: 1 } }), TAKEN);
    assert.equal(await invited(bob), undefined);
    assert.match((await invited(bob)) ?? "", /tomorrow/);
    // Nor by naming one room after the other as a room's successor.
    await reload(permit({ invites_per_day: { user: 1_000 } }), TAKEN);
    const room = await bob.createRoom({ encrypted: false, invite: [agent] });
    assert.equal(await invited(bob, room), undefined);
    await reload(permit({ invites_per_day: { user: 1 } }), TAKEN);
    const { room_id: next } = await bob.request<{ room_id: string }>("POST", "/v3/createRoom", {
      preset: "public_chat",
      creation_content: { predecessor: { room_id: room, event_id: "$last" } },
    });
    const content = { body: "moved", replacement_room: next };
    await bob.request("PUT", `/v3/rooms/${encodeURIComponent(room)}/state/m.room.tombstone/`, content);
    await eventually("the tombstone to be looked at", () =>
      deployment.bridge.logs().some((line) => line.msg.includes("too many invites today")),
    );
    const { joined } = await bob.request<{ joined: object }>(
      "GET",
      `/v3/rooms/${encodeURIComponent(next)}/joined_members`,
    );
    assert.deepEqual(Object.keys(joined), [bob.userId]);
    await reload(permit({ invites_per_day: {} }), TAKEN);
    assert.equal(await invited(bob), undefined);
  });

  /** The names under which clients show somebody's devices, by id. */
  async function deviceNames(userId: string): Promise<Readonly<Record<string, string | undefined>>> {
    const { device_keys } = await queryKeys(alice, [userId]);
    const devices = Object.entries(device_keys[userId] ?? {});
    return Object.fromEntries(devices.map(([id, { unsigned }]) => [id, unsigned?.device_display_name]));
  }

  it("treats an agent under another id as another one; the former says what happened, and returns when its id does", async () => {
    const [former, later] = [deployment.agent("other"), deployment.agent("otter")];
    const agents = (name: string) => (settings: Settings) => {
      settings["agents"] = {
        demo: { provider: "demo", display_name: "Demo" },
        [name]: { provider: "demo", display_name: "Other" },
      };
    };
    const { roomId, encrypted } = await openDirectChat(alice, former);
    assert.equal(encrypted, true);
    assert.match(await answer(alice, roomId, "first words", former), /first words/);
    const devices = await deviceNames(former);
    await reload(agents("otter"), TAKEN);
    await eventually("the other one's device", async () => Object.keys(await deviceNames(later)).length === 1);
    const chat = await openDirectChat(alice, later);
    assert.equal(chat.encrypted, true);
    assert.match(await answer(alice, chat.roomId, "are you new?", later), /are you new/);
    assert.match(await answer(alice, roomId, "and you?", former), /no longer set up on this server/);
    assert.deepEqual(await deviceNames(former), devices);
    await reload(agents("other"), TAKEN);
    assert.match(await answer(alice, roomId, "back again?", former), /back again/);
    assert.match(await answer(alice, chat.roomId, "and you?", later), /no longer set up on this server/);
    assert.deepEqual(await deviceNames(former), devices);
    assert.equal(Object.keys(await deviceNames(later)).length, 1);
  });

  it("gets new agents without a restart, and drops those that were removed", async () => {
    const devices = Object.keys(await deviceNames(agent));
    await reload((settings) => {
      settings["agents"] = {
        demo: { provider: "demo", display_name: "Demo the second" },
        fresh: { provider: "another", display_name: "Fresh" },
      };
      settings["providers"] = { demo: { type: "demo" }, another: { type: "demo" } };
    }, TAKEN);
    const fresh = deployment.agent("fresh");
    const name = async (userId: string): Promise<string | undefined> => {
      const profile = alice.request<{ displayname?: string }>("GET", `/v3/profile/${encodeURIComponent(userId)}`);
      return (await profile.catch(() => undefined))?.displayname;
    };
    await eventually(
      "the new agent to be made, and the old one renamed",
      async () => (await name(fresh)) === "Fresh" && (await name(agent)) === "Demo the second",
    );
    await eventually("its device to be called as it is", async () => {
      const names = await deviceNames(agent);
      assert.deepEqual(Object.keys(names), devices);
      return names[devices[0] ?? ""]?.startsWith("Demo the second (") === true;
    });
    const room = await alice.createRoom({ encrypted: true, invite: [fresh, deployment.agent("other")] });
    await alice.waitMember(room, fresh);
    assert.match(await answer(alice, room, "welcome", fresh), /welcome/);
    await alice.waitMember(room, deployment.agent("other"));
    assert.match(await answer(alice, room, "and you?", deployment.agent("other")), /no longer set up on this server/);
  });

  it("applies no wrong configuration, and none that needs a restart; it goes on as before", async () => {
    const good = await readFile(deployment.files.config, "utf8");
    const wrong = await reload((settings) => {
      settings["turns"] = { max_queued: "many" };
      permit({ users: { [alice.userId]: "none" } })(settings);
    }, /is not applied: it has mistakes/);
    assert.deepEqual(
      (wrong?.["problems"] as { path: string }[]).map(({ path }) => path),
      ["turns.max_queued"],
    );
    assert.equal(await invited(alice), undefined);
    await writeFile(deployment.files.config, good);
    const later = await reload((settings) => {
      settings["ghosts"] = { max_loaded: 5 };
      permit({ users: { [alice.userId]: "none" } })(settings);
    }, /is not applied: some/);
    assert.deepEqual([later?.["restart"], later?.["untouched"]], [["ghosts.max_loaded"], ["permissions"]]);
    assert.equal(await invited(alice), undefined);
    await writeFile(deployment.files.config, good);
    await reload(() => undefined, /is unchanged/);
  });

  it("verifies no person without permission, from the moment when they lose it", async () => {
    const room = await bob.createRoom({ encrypted: true, direct: true, invite: [agent] });
    await bob.waitMember(room, agent);
    assert.match(await answer(bob, room, "hello"), /hello/);
    await reload(permit({ users: { [bob.userId]: "none" } }), TAKEN);
    const [device] = await bob.deviceTrust(agent);
    await assert.rejects(bob.verify({ userId: agent, deviceId: device?.deviceId ?? "" }), /cancel/i);
    // The person is told before the log line is written.
    await eventually("the log to say why", () => said(/^verification refused: this user has no access/).length > 0);
    denied = room;
  });

  it("keeps nothing of messages from people without permission, even when they can't be read", async () => {
    const before = said(/^no key for this event yet|^event refused/).length;
    // A Megolm message of a session that nobody has, and an invalid one.
    const unread = Buffer.concat([Buffer.from([3, 8, 0, 0x12, 16]), randomBytes(16 + 8 + 64)]);
    for (let n = 0; n < 20; n++) {
      await bob.request("PUT", `/v3/rooms/${encodeURIComponent(denied)}/send/m.room.encrypted/unread${n}`, {
        algorithm: "m.megolm.v1.aes-sha2",
        sender_key: randomBytes(32).toString("base64").replace(/=+$/, ""),
        device_id: "DEVICE",
        session_id: randomBytes(32).toString("base64").replace(/=+$/, ""),
        ciphertext: n % 2 === 0 ? unread.toString("base64").replace(/=+$/, "") : "bm90aGluZw",
      });
    }
    // The agent takes its mail in order.
    const room = await alice.createRoom({ encrypted: true, direct: true, invite: [agent] });
    await alice.waitMember(room, agent);
    assert.match(await answer(alice, room, "are you there?"), /are you there/);
    assert.equal(said(/^no key for this event yet/).length, 0);
    assert.ok(said(/^no key for this event; it does not wait/).length > 0, "some could have waited");
    assert.ok(said(/^event refused/).length > before, "some were looked at");
  });

  it("has recorded in the audit log what it refused and what it applied", async () => {
    // The embedded database belongs to one process.
    assert.deepEqual(await deployment.stopBridge(), { code: 0, signal: null });
    const { stdout } = await deployment.command(["audit"]);
    assert.match(stdout, /refused[^\n]*banned/);
    assert.match(stdout, /config\.reloaded/);
    assert.equal(stdout.match(/refused[^\n]*verification[^\n]*@bob/g)?.length, 1, "once an hour");
    assert.doesNotMatch(stdout, /verification\.\w+[^\n]*@bob/);
    const mailbox = await deployment.command(["mailbox"]);
    assert.match(mailbox.stdout, /, 0 waiting for a key, 0 set aside,/);
  });
});
