import assert from "node:assert/strict";
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { LiveStream, type DeviceMessages } from "../../../src/ghost/live-stream.ts";
import type { JsonObject } from "../../../src/matrix/json.ts";
import { eventually } from "../../support/eventually.ts";

const ROOM = "!room:example.org";
const EVENT = "$event";
const ALGORITHM = "org.matrix.msc4471.stream.v1.aes-gcm";
const SUBSCRIBE = "org.matrix.msc4471.stream.subscribe";

interface Sent {
  readonly userId: string;
  readonly deviceId: string;
  readonly type: string;
  readonly content: JsonObject;
}

/** A stream, and a client that knows its key. */
class Watched {
  readonly sent: Sent[] = [];
  readonly stream: LiveStream;
  readonly #key: Buffer;
  /** The members of the room. */
  joined = new Set(["@alice:example.org"]);
  /** Called before a request reaches the server. */
  before: () => Promise<void> = () => Promise.resolve();
  requests = 0;

  constructor({ begun = true } = {}) {
    this.stream = new LiveStream({
      roomId: ROOM,
      deviceId: "AGENT",
      isJoined: (userId) => Promise.resolve(this.joined.has(userId)),
      send: async (messages) => {
        this.requests++;
        await this.before();
        this.#take(messages);
      },
      background: (work) => {
        work().catch(() => undefined);
      },
      began: () => undefined,
      ended: () => undefined,
    });
    const { encryption } = this.stream.descriptor as { encryption: { algorithm: string; key: string } };
    assert.equal(encryption.algorithm, ALGORITHM);
    this.#key = Buffer.from(encryption.key, "base64url");
    assert.equal(this.#key.length, 32);
    if (begun) this.stream.begin(EVENT, "One");
  }

  sealed(message: unknown, key = this.#key): JsonObject {
    const iv = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", key, iv);
    const sealed = Buffer.concat([cipher.update(JSON.stringify(message)), cipher.final(), cipher.getAuthTag()]);
    return { iv: iv.toString("base64url"), ciphertext: sealed.toString("base64url") };
  }

  async subscribe(more: JsonObject = {}, sender = "@alice:example.org"): Promise<void> {
    const content = { room_id: ROOM, event_id: EVENT, device_id: "PHONE", expiry_ms: 60_000, ...more };
    await this.stream.heard(sender, this.sealed({ type: SUBSCRIBE, content }));
  }

  texts(deviceId = "PHONE"): unknown[] {
    return this.sent
      .filter((one) => one.deviceId === deviceId)
      .map(({ content }) => [content["seq"], content["op"], (content["content"] as JsonObject)["body"]]);
  }

  #take(messages: DeviceMessages): void {
    for (const [userId, devices] of messages) {
      for (const [deviceId, content] of devices) {
        const { algorithm, stream_id, iv, ciphertext } = content as Record<string, string>;
        const id = createHmac("sha256", this.#key).update(`${ROOM}${EVENT}`).digest("base64url");
        assert.deepEqual([algorithm, stream_id], [ALGORITHM, id]);
        const sealed = Buffer.from(ciphertext ?? "", "base64url");
        const decipher = createDecipheriv("aes-256-gcm", this.#key, Buffer.from(iv ?? "", "base64url"));
        decipher.setAuthTag(sealed.subarray(-16));
        const clear = decipher.update(sealed.subarray(0, -16), undefined, "utf8") + decipher.final("utf8");
        this.sent.push({ userId, deviceId, ...(JSON.parse(clear) as Pick<Sent, "type" | "content">) });
      }
    }
  }
}

describe("the stream of a growing answer", () => {
  it("gives a new watcher the whole, then what is added, and the whole where words changed", async () => {
    const watched = new Watched();
    await watched.subscribe();
    watched.stream.update("One two");
    await eventually("the addition", () => watched.sent.length === 2);
    watched.stream.update("Three");
    await eventually("the change", () => watched.sent.length === 3);
    assert.deepEqual(watched.texts(), [
      [1, "replace", "One"],
      [2, "append", " two"],
      [3, "replace", "Three"],
    ]);
    assert.equal(watched.sent[0]?.type, "org.matrix.msc4471.stream.update");
  });

  it("sends one request at a time, to all watchers, with all that has grown meanwhile", async () => {
    const watched = new Watched();
    await watched.subscribe({ device_id: "PHONE" });
    await watched.subscribe({ device_id: "LAPTOP" });
    await eventually("both to have the beginning", () => watched.sent.length === 2);
    let go = (): void => undefined;
    watched.before = () => new Promise<void>((resolve) => (go = resolve));
    const before = watched.requests;
    watched.stream.update("One a");
    watched.stream.update("One ab");
    watched.stream.update("One abc");
    assert.equal(watched.requests, before + 1);
    watched.before = () => Promise.resolve();
    go();
    await eventually("the rest", () => watched.texts("LAPTOP").length === 3);
    assert.equal(watched.requests, before + 2);
    for (const device of ["PHONE", "LAPTOP"]) assert.deepEqual(watched.texts(device).at(-1), [3, "append", "bc"]);
  });

  it("gives the whole again after a request that failed", async () => {
    const watched = new Watched();
    await watched.subscribe();
    watched.before = () => Promise.reject(new Error("away"));
    watched.stream.update("One two");
    await eventually("the request", () => watched.requests === 2);
    watched.before = () => Promise.resolve();
    watched.stream.update("One two three");
    await eventually("the next one", () => watched.sent.length === 2);
    assert.deepEqual(watched.texts().at(-1), [3, "replace", "One two three"]);
  });

  it("gives the whole again to whoever missed something, and not to whoever only stays", async () => {
    const watched = new Watched();
    await watched.subscribe();
    await eventually("the beginning", () => watched.sent.length === 1);
    await watched.subscribe();
    await watched.subscribe({ resync: true });
    assert.equal(watched.sent.length, 1, "a second time within a second is not looked at");
  });

  it("refuses people outside the room, other messages' ids, and more watchers than it has places", async () => {
    const watched = new Watched();
    await watched.subscribe({}, "@mallory:elsewhere.org");
    await watched.subscribe({ event_id: "$another" });
    for (let device = 0; device <= 100; device++) await watched.subscribe({ device_id: `D${device}` });
    const refused = watched.sent.filter(({ type }) => type === "org.matrix.msc4471.stream.cancel");
    assert.deepEqual(
      refused.map(({ userId, content }) => [userId, content["code"], content["device_id"]]),
      [
        ["@mallory:elsewhere.org", "m.forbidden", "AGENT"],
        ["@alice:example.org", "m.unknown_stream", "AGENT"],
        ["@alice:example.org", "m.limit_exceeded", "AGENT"],
      ],
    );
    const told = watched.sent.filter(({ type }) => type === "org.matrix.msc4471.stream.update");
    assert.equal(new Set(told.map(({ deviceId }) => deviceId)).size, 100);
  });

  it("does nothing for what is not a subscription with its key", async () => {
    const watched = new Watched();
    const good = { room_id: ROOM, event_id: EVENT, device_id: "PHONE", expiry_ms: 60_000 };
    const strange: JsonObject[] = [
      {},
      { iv: 3, ciphertext: [] },
      { iv: "", ciphertext: "" },
      { iv: "AAAA", ciphertext: "AAAA" },
      watched.sealed({ type: SUBSCRIBE, content: good }, randomBytes(32)),
      watched.sealed("words"),
      watched.sealed(null),
      watched.sealed({ type: "org.matrix.msc4471.stream.update", content: good }),
      watched.sealed({ type: SUBSCRIBE }),
      watched.sealed({ type: SUBSCRIBE, content: { ...good, device_id: "" } }),
      watched.sealed({ type: SUBSCRIBE, content: { ...good, device_id: "D".repeat(300) } }),
      watched.sealed({ type: SUBSCRIBE, content: { ...good, expiry_ms: -1 } }),
      watched.sealed({ type: SUBSCRIBE, content: { ...good, expiry_ms: "long" } }),
      watched.sealed({ type: SUBSCRIBE, content: { ...good, padding: "x".repeat(5_000) } }),
    ];
    for (const message of strange) await watched.stream.heard("@alice:example.org", message);
    assert.equal(watched.requests, 0);
  });

  it("tells nobody before its message is there, and nobody after its end", async () => {
    const unsent = new Watched({ begun: false });
    await unsent.subscribe();
    assert.equal(unsent.stream.isOpen, false);
    const ended = new Watched();
    await ended.subscribe();
    ended.stream.end();
    ended.stream.update("One two");
    await ended.subscribe({ device_id: "LAPTOP" });
    assert.deepEqual([unsent.requests, ended.requests], [0, 1]);
  });
});
