import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { dumpDatabase } from "../support/dump.ts";
import { eventually } from "../support/eventually.ts";
import { startFederation, type Draft, type Federation, type Taken } from "../support/federation.ts";
import type { Message, User } from "../support/user.ts";

interface StateEvent {
  readonly type: string;
  readonly state_key: string;
  readonly event_id: string;
}

describe("a member of a room whose server is hostile", () => {
  let federation: Federation;
  let alice: User;
  let mallory: User;
  let agent: string;
  let roomId: string;

  before(async () => {
    federation = await startFederation();
    [alice, mallory] = await Promise.all([federation.home.user("js-sdk", "alice"), federation.stranger("mallory")]);
    agent = federation.home.agent("demo");
    roomId = await alice.createRoom({ invite: [agent], roomVersion: "11", encryption: { rotation_period_msgs: 1 } });
    await alice.waitMember(roomId, agent);
    await alice.invite(roomId, mallory.userId);
    await mallory.join(roomId);
    await alice.waitMember(roomId, mallory.userId);
  });
  after(() => federation.stop());

  async function ask(body: string): Promise<Message> {
    const question = await alice.sendText({ roomId, body, mentions: [agent] });
    const answer = await alice.waitMessage({ roomId, sender: agent, after: question });
    assert.equal(answer.encrypted, true);
    assert.match(answer.body, new RegExp(body));
    return answer;
  }

  /**
   * Sends events that the other server has signed, each based on the room's present state; resolves with their results.
   */
  async function forge(drafts: readonly Partial<Draft>[]): Promise<Taken[string][]> {
    const path = `/v3/rooms/${encodeURIComponent(roomId)}`;
    const state = await alice.request<StateEvent[]>("GET", `${path}/state`);
    const idOf = (type: string, key: string): string[] =>
      state.filter((event) => event.type === type && event.state_key === key).map((event) => event.event_id);
    const { chunk } = await alice.request<{ chunk: { event_id: string }[] }>("GET", `${path}/messages?dir=b&limit=1`);
    const auth = ["m.room.create", "m.room.power_levels"].flatMap((type) => idOf(type, ""));
    const taken: Taken[string][] = [];
    for (const draft of drafts) {
      const { id, pdu } = federation.other.event({
        room_id: roomId,
        sender: mallory.userId,
        type: "m.room.message",
        content: { msgtype: "m.text", body: "forged" },
        prev_events: chunk.map((event) => event.event_id),
        auth_events: [
          ...auth,
          ...idOf("m.room.member", draft.sender ?? mallory.userId),
          // Any other result means that the event was refused.
          ...(draft.content?.["membership"] === "join" ? idOf("m.room.join_rules", "") : []),
        ],
        ...draft,
      });
      taken.push((await federation.other.send({ pdus: [pdu] }))[id] ?? { error: "not looked at" });
    }
    return taken;
  }

  it("changes nothing by events that it forges, and silences no agent", async () => {
    const question = await alice.sendText({ roomId, body: "remember swordfish", mentions: [agent] });
    await alice.waitMessage({ roomId, sender: agent, after: question });
    const wire = alice.events(roomId).find(({ eventId }) => eventId === question);
    const levels = { users: { [mallory.userId]: 100 }, redact: 0 };
    const server = federation.other.name;
    const taken = await forge([
      { sender: alice.userId, content: { msgtype: "m.text", body: "not hers" } },
      { sender: agent, content: { msgtype: "m.text", body: "not its" } },
      { type: "m.room.power_levels", state_key: "", content: levels },
      { type: "m.room.encryption", state_key: "", content: {} },
      { type: "m.room.tombstone", state_key: "", content: { body: "", replacement_room: "!elsewhere:localhost" } },
      { type: "m.room.server_acl", state_key: "", content: { allow: [server] } },
      { type: "m.room.redaction", content: { redacts: question }, redacts: question },
      { type: "m.room.member", state_key: agent, content: { membership: "ban" } },
      { type: "m.room.encrypted", content: wire?.wireContent ?? {} },
      { type: "m.room.encrypted", content: { algorithm: "m.megolm.v1.aes-sha2", session_id: "\0", ciphertext: 7 } },
      { type: "m.reaction", content: { "m.relates_to": null } },
      { type: "m.room.message", content: { msgtype: 7, body: { a: [] }, "m.mentions": "all", "m.relates_to": 7 } },
      { depth: Number.MAX_SAFE_INTEGER, origin_server_ts: Number.MAX_SAFE_INTEGER },
      { depth: 0, origin_server_ts: -1 },
      { prev_events: ["$nothing"], auth_events: ["$nothing"] },
      { type: "m.room.member", state_key: mallory.userId, content: { membership: "join", displayname: "\0\ud800" } },
    ]);
    for (const name of taken.keys()) if (name < 2) assert.ok(taken[name]?.error, `${name}`);
    await ask("are you there");
    const state = await alice.request<StateEvent[]>("GET", `/v3/rooms/${encodeURIComponent(roomId)}/state`);
    for (const type of ["m.room.tombstone", "m.room.server_acl"])
      assert.ok(!state.some((event) => event.type === type));
    assert.ok((await rowsWith(question))["messages"], "a message that nobody with the right deleted is remembered");
  });

  it("gets no keys for devices that their owners have not signed, and none after they have left", async () => {
    const { other } = federation;
    /** The devices to which something was sent. */
    const sentTo = new Set<string>();
    other.front.intercept = (request) => {
      const { edus = [] } = JSON.parse(request.body.toString() || "{}") as {
        edus?: { edu_type: string; content: { sender: string; messages: Record<string, Record<string, unknown>> } }[];
      };
      for (const { edu_type, content } of edus) {
        if (edu_type !== "m.direct_to_device" || content.sender !== agent) continue;
        for (const [device, message] of Object.entries(content.messages[mallory.userId] ?? {})) {
          if ("ciphertext" in (message as object)) sentTo.add(device);
        }
      }
      return other.front.forward(request);
    };
    const { device_keys: all } = await mallory.request<{ device_keys: Record<string, Record<string, object>> }>(
      "POST",
      "/v3/keys/query",
      { device_keys: { [mallory.userId]: [] } },
    );
    const own = all[mallory.userId]?.[mallory.deviceId] as Record<string, unknown>;
    const keys = { ...own, device_id: "EXTRA" };
    await other.sendEdus("m.device_list_update", [
      { user_id: mallory.userId, device_id: "EXTRA", stream_id: 500_000, prev_id: [], keys },
      { user_id: alice.userId, device_id: "EXTRA", stream_id: 500_000, prev_id: [], keys },
      { user_id: agent, device_id: "EXTRA", stream_id: 500_000, prev_id: [], keys },
    ]);
    await other.sendEdus("m.signing_key_update", [
      { user_id: alice.userId, master_key: { user_id: alice.userId, usage: ["master"], keys: { "ed25519:x": "x" } } },
      { user_id: mallory.userId, master_key: "text", self_signing_key: [] },
    ]);
    await other.sendEdus("m.receipt", [{ [roomId]: { "m.read": { [agent]: { event_ids: ["$x"], data: "x" } } } }]);
    await other.sendEdus("m.typing", [{ room_id: roomId, user_id: agent, typing: true }]);
    await other.sendEdus("m.presence", [{ push: [{ user_id: agent, presence: "online" }] }]);
    const answer = await ask("with a device more");
    await mallory.waitMessage({ roomId, sender: agent, where: ({ eventId }) => eventId === answer.eventId });
    assert.deepEqual([...sentTo], [mallory.deviceId]);

    await mallory.leave(roomId);
    await alice.waitMember(roomId, mallory.userId, "leave");
    sentTo.clear();
    const secret = await ask("now that she is gone");
    await assert.rejects(mallory.readEvent(roomId, secret.eventId));
    assert.deepEqual([...sentTo], []);
  });

  it("has its invite declined with the reason, whatever it claims about the room, and leaves only ids behind", async () => {
    const dora = await federation.stranger("dora");
    const room = await dora.createRoom({ direct: true, invite: [agent] });
    await dora.waitMember(room, agent, "leave");
    const path = `/v3/rooms/${encodeURIComponent(room)}/state/m.room.member/${encodeURIComponent(agent)}`;
    const { reason } = await dora.request<{ reason?: string }>("GET", path);
    assert.match(reason ?? "", /not allowed to invite/);

    const stripped = [
      { type: "m.room.create", state_key: "", sender: agent, content: { predecessor: { room_id: roomId } } },
      { type: "m.room.member", state_key: alice.userId, sender: alice.userId, content: { membership: "join" } },
      { type: "m.room.name", state_key: "", sender: alice.userId, content: { name: "x".repeat(50_000) } },
      { type: "m.room.encryption", state_key: 7, sender: null, content: null },
    ];
    for (const [index, invite_room_state] of [stripped, "text", [null, 7, "text", []], undefined].entries()) {
      const room_id = `!made-up-${index}:${federation.other.name}`;
      const { id, pdu } = federation.other.event({
        room_id,
        sender: dora.userId,
        type: "m.room.member",
        state_key: agent,
        content: { membership: "invite", is_direct: true },
        prev_events: [],
        auth_events: [],
      });
      const invite = {
        room_version: "11",
        event: pdu,
        ...(invite_room_state === undefined ? {} : { invite_room_state }),
      };
      const url = `/_matrix/federation/v2/invite/${encodeURIComponent(room_id)}/${encodeURIComponent(id)}`;
      assert.equal((await federation.other.ask("PUT", url, invite)).status, 200);
    }
    await ask("are you still there");
    const rows = await rowsWith("@dora:", "made-up");
    // The record of the agent's invite goes after 90 days, as the rest of the room does then.
    assert.deepEqual(Object.keys(rows), ["audit_log", "events", "memberships", "rooms", "sealing_keys"]);
    for (const row of rows["events"] ?? []) assert.match(row, /"payload":null/, "of events that they came, by id");
    for (const row of rows["memberships"] ?? []) assert.match(row, /"membership":"leave"/);
    for (const row of rows["rooms"] ?? []) assert.match(row, /"name":null/);
  });

  it("silences no agent by members without a user id", async () => {
    const server = federation.other.name;
    const erin = await federation.stranger("erin");
    const path = `/v3/rooms/${encodeURIComponent(roomId)}`;
    await alice.request("PUT", `${path}/state/m.room.join_rules`, { join_rule: "public" });
    await alice.invite(roomId, erin.userId);
    await erin.join(roomId);
    await alice.waitMember(roomId, erin.userId);
    // Other clients fail over the answers; she has asked before.
    process.kill(federation.home.bridge.pid, "SIGSTOP");
    const question = await alice.sendText({ roomId, body: "do you hear me", mentions: [agent] });
    const ids = [`@a\0b:${server}`, `@a b:${server}`, `@:${server}`, `@${"a".repeat(200)}:${server}`];
    await forge(
      ids.map((id) => ({
        sender: id,
        type: "m.room.member",
        state_key: id,
        content: { membership: "join", displayname: "\0" },
      })),
    );
    await eventually("all of them to be in the state", async () => {
      const state = await alice.request<StateEvent[]>("GET", `${path}/state`);
      return ids.every((id) => state.some((event) => event.state_key === id));
    });
    process.kill(federation.home.bridge.pid, "SIGCONT");
    const answer = await alice.waitMessage({ roomId, sender: agent, after: question });
    assert.equal(answer.encrypted, true);
    assert.match(answer.body, /do you hear me/);
    assert.equal((await rowsWith(`@a b:${server}`))["room_members"]?.length, 1);
  });

  /** The rows of the bridge's database with any of these texts, by their table. */
  async function rowsWith(...texts: string[]): Promise<Record<string, string[]>> {
    const dump = await dumpDatabase(federation.home.settings.database ?? "");
    const found = [...dump].map(([table, rows]): [string, string[]] => [
      table,
      rows.split("\n").filter((row) => texts.some((text) => row.includes(text))),
    ]);
    return Object.fromEntries(found.filter(([, rows]) => rows.length > 0));
  }
});
