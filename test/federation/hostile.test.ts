import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { MatrixRequestError } from "../support/matrix-request.ts";
import { startFederation, type Federation } from "../support/federation.ts";
import type { Message, User } from "../support/user.ts";

const OLM = "m.olm.v1.curve25519-aes-sha2";

/** As deep as Synapse's own parser accepts. */
function nested(depth: number): object {
  return Array.from({ length: depth }).reduce<object>((inner) => ({ a: inner }), {});
}

describe("another server that is hostile", () => {
  let federation: Federation;
  let alice: User;
  let agent: string;
  let roomId: string;

  before(async () => {
    federation = await startFederation({ extraConfig: { permissions: { users: { "@nobody*:localhost:*": "user" } } } });
    alice = await federation.home.user("js-sdk", "alice");
    agent = federation.home.agent("demo");
    roomId = await alice.createRoom({ direct: true, invite: [agent] });
    await alice.waitMember(roomId, agent);
    await ask("at first");
  });
  after(() => federation.stop());

  /** The agent's messages to alice, encrypted. */
  async function ask(body: string, where = roomId, timeoutMs = 30_000): Promise<Message> {
    const question = await alice.sendText({ roomId: where, body, mentions: [agent] });
    const answer = await alice.waitMessage({ roomId: where, sender: agent, after: question, timeoutMs });
    assert.equal(answer.encrypted, true);
    assert.match(answer.body, new RegExp(body));
    return answer;
  }

  const of = (localpart: string): string => `@${localpart}:${federation.other.name}`;

  it("silences no agent by a to-device message whose sender has an invalid user id", async () => {
    const { other } = federation;
    const types = ["m.key.verification.request", "m.key.verification.start", "m.room.encrypted", "m.room_key"];
    for (const sender of [of("a\0b"), of("\ud800"), of(""), of("a".repeat(300)), of("a b\n")]) {
      const contents = types.map((type) => ({
        sender,
        type,
        to: agent,
        content: { transaction_id: "t", method: "x" },
      }));
      await other.sendToDevice(contents);
    }
    await ask("are you there");
  });

  it("silences no agent by malformed to-device messages", async () => {
    const { other } = federation;
    const contents = [null, "text", 7, [], { a: "\ud800" }, { a: 1e308 }, nested(300), nested(900)];
    const types = [
      "m.room.encrypted",
      "m.room_key_request",
      "m.dummy",
      "m.key.verification.start",
      7,
      null,
      ["m"],
      "\0",
    ];
    for (const type of types) {
      await other.sendToDevice(contents.map((content) => ({ sender: of("mallory"), type, to: agent, content })));
    }
    await ask("are you still there");
  });

  it("silences no agent by its answers about its users' devices", async () => {
    const { other } = federation;
    const garbage: unknown[] = ["text", ["list"], 7, null, { DEVICE: "text" }, { "": {} }];
    let asked = 0;
    const takeBack = other.answers((path, { device_keys: wanted }) => {
      if (!path.includes("/user/keys/query")) return undefined;
      asked++;
      const keys = Object.keys(wanted as object).map((userId, index) => [
        userId,
        garbage[Number(/\d+/.exec(userId)?.[0] ?? index) % garbage.length],
      ]);
      const device_keys = Object.fromEntries(keys) as Record<string, unknown>;
      return { device_keys, master_keys: device_keys, self_signing_keys: device_keys };
    });
    for (const index of garbage.keys()) {
      await other.sendToDevice([
        {
          sender: of(`nobody${index}`),
          type: "m.key.verification.request",
          to: agent,
          content: { transaction_id: "t", from_device: "D", methods: ["m.sas.v1"], timestamp: Date.now() },
        },
      ]);
    }
    await ask("do you hear me");
    assert.ok(asked > 0);
    takeBack();
  });

  /** A room with alice, the agent and somebody of the other server, to whom alice has already spoken. */
  async function group(stranger: User, beforeAgent: () => void = () => undefined): Promise<string> {
    const room = await alice.createRoom({ invite: [stranger.userId] });
    await stranger.join(room);
    await alice.waitMember(room, stranger.userId);
    // Her own client would fail over the answers: it has its keys already.
    await alice.sendText({ roomId: room, body: "before" });
    beforeAgent();
    await alice.invite(room, agent);
    await alice.waitMember(room, agent);
    return room;
  }

  it("silences no room by the one-time keys that it hands out", async () => {
    const { other } = federation;
    const shapes: ((devices: string[]) => unknown)[] = [
      (devices) => Object.fromEntries(devices.map((device) => [device, { nothing: "text" }])),
      (devices) => Object.fromEntries(devices.map((device) => [device, { "signed_curve25519:A": "text" }])),
      () => ({}),
      // Synapse itself breaks over this one, and answers requests for nobody's keys.
      (devices) => Object.fromEntries(devices.map((device) => [device, "text"])),
    ];
    for (const [index, make] of shapes.entries()) {
      let asked = 0;
      const room = await group(await federation.stranger(`claimed${index}`), () =>
        other.answers((path, { one_time_keys: wanted }) => {
          if (!path.includes("/user/keys/claim")) return undefined;
          asked++;
          const keys = Object.entries(wanted as Record<string, object>).map(([userId, devices]) => [
            userId,
            make(Object.keys(devices)),
          ]);
          return { one_time_keys: Object.fromEntries(keys) as Record<string, unknown> };
        }),
      );
      await ask(`do you hear me in group ${index}`, room);
      assert.ok(asked > 0);
      other.answers(() => undefined);
    }
  });

  it("silences no agent by devices that break the agent's homeserver", async () => {
    const { other } = federation;
    const mallory = await federation.stranger("mallory");
    const room = await group(mallory);
    await ask("do you hear me before", room);
    let read = 0;
    other.answers((path) => {
      if (path.includes("/user/keys/query")) return {};
      if (!path.includes("/user/devices/")) return undefined;
      read++;
      return { user_id: mallory.userId, stream_id: 1_000_001, devices: [{ device_id: "BROKEN", keys: "text" }] };
    });
    // Synapse asks for all devices of a user who seems to have had a change that it has missed.
    const gap = { user_id: mallory.userId, device_id: "BROKEN", stream_id: 1_000_001, prev_id: [1_000_000], keys: {} };
    await other.sendEdus("m.device_list_update", [gap]);
    await eventually("the devices to be read", () => read > 0);
    const query = { device_keys: { [mallory.userId]: [] } };
    await eventually("the homeserver to break over them", () =>
      alice.request("POST", "/v3/keys/query", query).then(
        () => false,
        (error: unknown) => error instanceof MatrixRequestError && error.status === 500,
      ),
    );
    await ask("do you hear me elsewhere");
    other.answers(() => undefined);
  });

  it("delays no agent by missing answers", async () => {
    const { other } = federation;
    let asked = 0;
    other.answers(async (path) => {
      if (!path.includes("/user/keys/query")) return undefined;
      asked++;
      await sleep(8_000);
      return { device_keys: {} };
    });
    await other.sendToDevice(
      Array.from({ length: 1000 }, (_, index) => ({
        sender: of(`madeup${index}`),
        type: "m.key.verification.request",
        to: agent,
        content: { transaction_id: `u${index}`, from_device: "D", methods: ["m.sas.v1"], timestamp: Date.now() },
      })),
    );
    await ask("are you there at once");
    assert.equal(asked, 0, "no query is about a person who may not use the agent");
    other.answers(() => undefined);
  });

  it("delays no agent for long by floods", async () => {
    const key = { algorithm: "m.megolm.v1.aes-sha2", room_id: roomId, sender_key: "x" };
    const kinds: Readonly<Record<string, (index: number) => object>> = {
      "m.dummy": () => ({}),
      "m.room.encrypted": (index) => ({ algorithm: OLM, sender_key: `key${index}`, ciphertext: {} }),
      "m.room_key_request": (index) => ({
        action: "request",
        request_id: `${index}`,
        requesting_device_id: "D",
        body: { ...key, session_id: `session${index}` },
      }),
      "m.room_key.withheld": (index) => ({ ...key, session_id: `session${index}`, code: "m.blacklisted" }),
      "m.key.verification.start": (index) => ({ transaction_id: `s${index}`, from_device: "D", method: "m.sas.v1" }),
    };
    for (const [type, content] of Object.entries(kinds)) {
      await federation.other.sendToDevice(
        Array.from({ length: 300 }, (_, index) => {
          return { sender: of(`flood${index}`), type, to: agent, content: content(index) };
        }),
      );
      await ask(`are you there after ${type}`);
    }
  });
});
