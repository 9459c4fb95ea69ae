import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it, type TestContext } from "node:test";
import { initAsync, OlmMachine, RequestType } from "@matrix-org/matrix-sdk-crypto-wasm";
import { Device } from "../../../src/crypto/device.ts";
import { DeviceClosed } from "../../../src/crypto/device-closed.ts";
import { MasterKey, MasterKeyError } from "../../../src/sealing/master-key.ts";
import type { EncryptionTarget } from "../../../src/crypto/encryption-target.ts";
import { DeviceUnsigned, UnsupportedEncryption } from "../../../src/crypto/room-encryptor.ts";
import { createCryptoStore } from "../../../src/crypto/store/crypto-store.ts";
import type { DeviceTransport } from "../../../src/crypto/transport.ts";
import type { Database } from "../../../src/database/database.ts";
import { StoredToDeviceAttempts } from "../../../src/ghost/device/to-device-attempts.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { CryptoClient } from "../../support/crypto-client.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { eventually } from "../../support/eventually.ts";
import { simulatedTransport, type Asked } from "../../support/device-transport.ts";
import { keysOnlyDevice } from "../../support/keys-only-device.ts";
import { SimulatedKeyServer } from "../../support/simulated-key-server.ts";
import { temporaryDirectory } from "../../support/temporary.ts";
import { takeLease } from "../../support/lease.ts";
import { noServerSideKeys } from "../../support/secret-storage.ts";

const GHOST = "@agent_llama:example.test";
const ALICE = "@alice:example.test";
const BOB = "@bob:example.test";
const ROOM = "!room:example.test";

function target(rotationPeriodMessages = 100): EncryptionTarget {
  return {
    roomId: ROOM,
    encryption: { algorithm: "m.megolm.v1.aes-sha2", rotationPeriodMs: 604_800_000, rotationPeriodMessages },
    historyVisibility: "shared",
    recipients: [ALICE, GHOST],
    sendTo: "unverified",
  };
}

/** A ghost's device on a database, with its requests; `fail` makes requests fail. */
class Setup {
  readonly server = new SimulatedKeyServer();
  readonly asked: { asked: Asked; body: string }[] = [];
  readonly arrived: string[] = [];
  fail: (asked: Asked) => boolean = () => false;
  /** Users whose devices the next /sync calls changed. */
  changed: string[] = [];
  /** Called with each /sync before it is answered. */
  beforeSync: () => Promise<void> = () => Promise.resolve();
  mayVerify: (flow: { readonly userId: string }) => boolean = () => true;
  since: string | undefined;
  readonly #database: Database;
  readonly #store: ReturnType<typeof createCryptoStore>;
  readonly #key = new Uint8Array(randomBytes(32));

  constructor(database: Database) {
    this.#database = database;
    this.#store = createCryptoStore(database, silentLogger());
  }

  async open(): Promise<{ device: Device; close: () => Promise<void> }> {
    const lease = await takeLease(this.#database, GHOST);
    const session = await this.#store.open(lease, "GHOSTDEVICE");
    const kept = noServerSideKeys();
    const device = await Device.open({
      userId: GHOST,
      deviceId: "GHOSTDEVICE",
      store: session,
      storeKey: this.#key,
      transport: this.#transport(),
      ...kept,
      verification: { ...kept.verification, isAllowed: (flow) => this.mayVerify(flow) },
      inbox: {
        since: this.since,
        saveSince: (since) => {
          this.since = since;
          return Promise.resolve();
        },
        attempts: new StoredToDeviceAttempts(this.#database, lease, silentLogger()),
        onRoomKeys: (sessions) => {
          this.arrived.push(...sessions);
          return Promise.resolve();
        },
      },
      log: silentLogger(),
    });
    return {
      device,
      close: async () => {
        await device.close();
        await session.close();
      },
    };
  }

  #transport(): DeviceTransport {
    const transport = simulatedTransport(this.server, GHOST, "GHOSTDEVICE", (asked, body) => {
      this.asked.push({ asked, body });
      if (this.fail(asked)) throw new Error(`${asked} failed`);
    });
    return {
      ...transport,
      sync: async (since) => {
        await this.beforeSync();
        return { ...(await transport.sync(since)), changedUsers: this.changed.splice(0) };
      },
    };
  }

  async alice(id = "ALICEDEVICE"): Promise<CryptoClient> {
    const alice = await CryptoClient.open(
      { user: ALICE, device: id },
      {
        request: (request) => Promise.resolve(JSON.stringify(this.server.handle(ALICE, id, request))),
        sync: (since) => Promise.resolve(this.server.sync(ALICE, id, since)),
      },
    );
    await alice.sync();
    return alice;
  }

  count(asked: Asked): number {
    return this.asked.filter((request) => request.asked === asked).length;
  }
}

/** A clock that a test moves by adding to it. */
function movableClock(t: TestContext): { movedMs: number } {
  const clock = { movedMs: 0 };
  const now = Date.now.bind(Date);
  t.mock.method(Date, "now", () => now() + clock.movedMs);
  return clock;
}

/** The session of a device's next message. */
async function sessionOf(device: Device, to = target()): Promise<string> {
  return (JSON.parse(await device.encrypt(to, "m.room.message", {})) as { session_id: string }).session_id;
}

before(() => initAsync());

forEachDatabase((_kind, open) => {
  describe("a ghost's device", () => {
    it("uploads a fallback key with its first keys, and nothing more while nothing changes", async () => {
      const setup = new Setup(await open());
      const { device, close } = await setup.open();
      await device.catchUp();
      const first = JSON.parse(setup.asked.find(({ asked }) => asked === "keysUpload")?.body ?? "{}") as Record<
        string,
        object
      >;
      assert.equal(Object.keys(first["one_time_keys"] ?? {}).length, 50);
      assert.equal(Object.keys(first["fallback_keys"] ?? {}).length, 1);
      await device.catchUp();
      const uploads = setup.count("keysUpload");
      for (let round = 0; round < 200; round++) await device.catchUp();
      assert.equal(setup.count("keysUpload"), uploads);
      await close();
    });

    it("reads what was sent while it was not loaded, and knows its place", async () => {
      const setup = new Setup(await open());
      const first = await setup.open();
      await first.device.catchUp();
      const fingerprint = first.device.fingerprint;
      await first.close();
      const alice = await setup.alice();
      const ciphertext = await alice.encrypt(ROOM, [ALICE, GHOST], "while you slept");

      const { device, close } = await setup.open();
      assert.equal(device.fingerprint, fingerprint);
      const event = {
        room_id: ROOM,
        event_id: "$1",
        sender: ALICE,
        type: "m.room.encrypted",
        origin_server_ts: 0,
        content: JSON.parse(ciphertext) as Record<string, unknown>,
      };
      assert.equal((await device.decrypt(event, "unverified")).kind, "missing_key");
      await device.catchUp();
      assert.deepEqual(setup.arrived, [event.content["session_id"]]);
      const decryption = await device.decrypt(event, "unverified");
      assert.equal(decryption.kind === "decrypted" && decryption.content["body"], "while you slept");
      const forged = await device.decrypt({ ...event, ...{ sender: "@mallory:example.test" } }, "unverified");
      assert.equal(forged.kind, "refused", "an event whose sender does not own the device that encrypted it");
      assert.equal(
        (await device.decrypt({ ...event, content: { algorithm: "none", session_id: "x" } }, "unverified")).kind,
        "refused",
      );
      await close();
    });

    it("takes nothing from senders without a user id, and asks for no keys of strangers on other servers who want to verify it", async () => {
      const setup = new Setup(await open());
      setup.mayVerify = ({ userId }) => userId !== "@mallory:evil.test";
      const { device, close } = await setup.open();
      await device.catchUp();
      const content = { transaction_id: "t", from_device: "D", methods: ["m.sas.v1"], timestamp: Date.now() };
      const body = JSON.stringify({ messages: { [GHOST]: { GHOSTDEVICE: content } } });
      for (const sender of ["@a\0b:evil.test", "@\ud800:evil.test", "nobody", "", "@a:e v", "@mallory:evil.test"]) {
        for (const eventType of ["m.key.verification.request", "m.key.verification.start", "m.room.encrypted"]) {
          setup.server.handle(sender, "D", { type: RequestType.ToDevice, body, eventType, txnId: eventType });
        }
      }
      await device.catchUp();
      assert.deepEqual(
        setup.asked.filter(({ asked, body: wanted }) => asked === "keysQuery" && wanted.includes("evil")),
        [],
      );
      for (const sender of ["@carol:evil.test", "@bob:example.test"]) {
        setup.server.handle(sender, "D", {
          type: RequestType.ToDevice,
          body,
          eventType: "m.key.verification.request",
          txnId: "t",
        });
        await device.catchUp();
        assert.ok(setup.asked.some(({ asked, body: wanted }) => asked === "keysQuery" && wanted.includes(sender)));
      }
      await close();
    });

    it("finishes reading, though somebody sends without a pause, and reads everything that was there", async () => {
      const setup = new Setup(await open());
      const { device, close } = await setup.open();
      await device.catchUp();
      let sent = 0;
      const send = (): void => {
        const content = {
          transaction_id: `t${sent++}`,
          from_device: "D",
          methods: ["m.sas.v1"],
          timestamp: Date.now(),
        };
        const body = JSON.stringify({ messages: { [GHOST]: { GHOSTDEVICE: content } } });
        const eventType = "m.key.verification.request";
        setup.server.handle("@mallory:example.test", "D", {
          type: RequestType.ToDevice,
          body,
          eventType,
          txnId: `t${sent}`,
        });
      };
      setup.fail = (asked) => {
        if (asked === "sync") send();
        return false;
      };
      const before = setup.count("sync");
      await device.catchUp();
      assert.ok(setup.count("sync") - before <= 3, `${setup.count("sync") - before} syncs`);
      await close();
    });

    it("needs no sender's trust for its own messages, but for those of its user's other devices", async () => {
      const setup = new Setup(await open());
      const { device, close } = await setup.open();
      await device.catchUp();
      const event = (content: string): Parameters<Device["decrypt"]>[0] => ({
        ...{ room_id: ROOM, event_id: "$1", sender: GHOST, type: "m.room.encrypted", origin_server_ts: 0 },
        content: JSON.parse(content) as Record<string, unknown>,
      });
      const own = event(await device.encrypt(target(), "m.room.message", { body: "my words" }));
      for (const trusted of [
        "unverified",
        "cross-signed-untrusted",
        "cross-signed-tofu",
        "cross-signed-verified",
      ] as const)
        assert.equal((await device.decrypt(own, trusted)).kind, "decrypted", trusted);
      // As a homeserver could make one.
      const planted = await CryptoClient.open(
        { user: GHOST, device: "PLANTED" },
        {
          request: (request) => Promise.resolve(JSON.stringify(setup.server.handle(GHOST, "PLANTED", request))),
          sync: (since) => Promise.resolve(setup.server.sync(GHOST, "PLANTED", since)),
        },
      );
      await planted.sync();
      const forged = event(await planted.encrypt(ROOM, [GHOST], "never said"));
      await device.catchUp();
      assert.equal((await device.decrypt(forged, "unverified")).kind, "decrypted");
      for (const trusted of ["cross-signed-untrusted", "cross-signed-tofu", "cross-signed-verified"] as const)
        assert.equal((await device.decrypt(forged, trusted)).kind, "distrusted", trusted);
      await close();
    });

    it("encrypts for the other members of a room where somebody has no user id", async () => {
      const setup = new Setup(await open());
      const alice = await setup.alice();
      const { device, close } = await setup.open();
      const nobody = ["@a\0b:evil.test", "@a:evil.test:99999"];
      await device.lists.meet([...nobody, ALICE]);
      const recipients = [...nobody, ALICE, GHOST];
      const content = await device.encrypt({ ...target(), recipients }, "m.room.message", { body: "to all" });
      await alice.sync();
      assert.equal(await alice.decrypt(ROOM, GHOST, content), "to all");
      assert.deepEqual(await device.lists.obstacleTo("@a\0b:evil.test", "cross-signed-untrusted"), {
        why: "unsigned_device",
        devices: 0,
      });
      await close();
    });

    it("encrypts twenty messages at once with a session for each, and all can be read", async () => {
      const setup = new Setup(await open());
      const alice = await setup.alice();
      const { device, close } = await setup.open();
      const texts = Array.from({ length: 20 }, (_, index) => `message ${index}`);
      const sent = await Promise.all(texts.map((body) => device.encrypt(target(1), "m.room.message", { body })));
      const sessions = new Set(sent.map((content) => (JSON.parse(content) as { session_id: string }).session_id));
      assert.equal(sessions.size, 20);
      await alice.sync();
      for (const [index, content] of sent.entries()) {
        assert.equal(await alice.decrypt(ROOM, GHOST, content), texts[index]);
      }
      await close();
    });

    it("is understood by each of twenty devices in the room, whose keys are claimed once", async () => {
      const setup = new Setup(await open());
      const ids = Array.from({ length: 20 }, (_, index) => `ALICE${index}`);
      const devices = await Promise.all(ids.map((id) => setup.alice(id)));
      const { device, close } = await setup.open();
      for (const body of ["first", "second"]) {
        const content = await device.encrypt(target(), "m.room.message", { body });
        for (const alice of devices) {
          await alice.sync();
          assert.equal(await alice.decrypt(ROOM, GHOST, content), body);
        }
      }
      assert.equal(setup.count("keysClaim"), 1);
      await close();
    });

    it("asks who gets a room key only until nobody is left, and again when something changes", async (t) => {
      const setup = new Setup(await open());
      const alice = await setup.alice();
      const { device, close } = await setup.open();
      const asked = t.mock.method(OlmMachine.prototype, "shareRoomKey").mock;
      const say = async (body: string, to = target()): Promise<string> =>
        device.encrypt(to, "m.room.message", { body });
      const read = async (reader: CryptoClient, content: string): Promise<string> => {
        await reader.sync();
        return reader.decrypt(ROOM, GHOST, content);
      };
      for (const body of ["one", "two", "three"]) await say(body);
      const before = asked.callCount();
      for (const body of ["four", "five", "six"]) assert.equal(await read(alice, await say(body)), body);
      assert.equal(asked.callCount(), before, "nothing has changed");
      const second = await setup.alice("ALICESECOND");
      await device.lists.refresh([ALICE]);
      assert.equal(await read(second, await say("seven")), "seven", "the new device has got the key");
      const bob = await CryptoClient.open(
        { user: BOB, device: "BOBDEVICE" },
        {
          request: (request) => Promise.resolve(JSON.stringify(setup.server.handle(BOB, "BOBDEVICE", request))),
          sync: (since) => Promise.resolve(setup.server.sync(BOB, "BOBDEVICE", since)),
        },
      );
      await bob.sync();
      for (const body of ["eight", "nine", "ten"]) await say(body);
      const withBob = { ...target(), recipients: [ALICE, BOB, GHOST] };
      assert.equal(await read(bob, await say("eleven", withBob)), "eleven", "somebody has come");
      for (const body of ["twelve", "thirteen"]) await say(body, withBob);
      await assert.rejects(read(bob, await say("fourteen")), "and has gone: there is a new session");
      await close();
    });

    it("encrypts while it catches up, and sends that only where nothing about the recipients has changed", async (t) => {
      const setup = new Setup(await open());
      const first = await setup.alice();
      const { device, close } = await setup.open();
      const encrypted = t.mock.method(OlmMachine.prototype, "encryptRoomEvent").mock;
      const say = async (body: string): Promise<string> => device.encrypt(target(), "m.room.message", { body });
      const read = async (reader: CryptoClient, content: string): Promise<string> => {
        await reader.sync();
        return reader.decrypt(ROOM, GHOST, content);
      };
      for (const body of ["one", "two", "three"]) await say(body);
      /** A message during whose /sync, and after its encryption, something happens. */
      const sayWhile = async (body: string, happens: () => Promise<void>): Promise<string> => {
        const before = encrypted.callCount();
        setup.beforeSync = async () => {
          setup.beforeSync = () => Promise.resolve();
          await eventually("the message to be encrypted", () => Promise.resolve(encrypted.callCount() > before));
          await happens();
        };
        return say(body);
      };
      const calls = encrypted.callCount();
      assert.equal(await read(first, await sayWhile("four", () => Promise.resolve())), "four");
      assert.equal(encrypted.callCount(), calls + 1, "nothing has changed: it is not encrypted again");

      let second: CryptoClient | undefined;
      const toBoth = await sayWhile("five", async () => {
        second = await setup.alice("ALICESECOND");
        setup.changed.push(ALICE);
      });
      assert.ok(second);
      assert.equal(await read(second, toBoth), "five", "who has come in between can read it");
      assert.equal(await read(first, toBoth), "five");

      for (const body of ["six", "seven"]) await say(body);
      await second.sync();
      const toFirst = await sayWhile("eight", () => {
        setup.server.removeDevice(ALICE, "ALICESECOND");
        setup.changed.push(ALICE);
        return Promise.resolve();
      });
      await assert.rejects(read(second, toFirst), "who has gone in between can't");
      assert.equal(await read(first, toFirst), "eight");
      await close();
    });

    it("sends nothing that it encrypted ahead where it could not catch up, or not learn the devices that have changed", async () => {
      const setup = new Setup(await open());
      const first = await setup.alice();
      const { device, close } = await setup.open();
      const say = (body: string): Promise<string> => device.encrypt(target(), "m.room.message", { body });
      for (const body of ["one", "two", "three"]) await say(body);
      setup.fail = (asked) => asked === "sync";
      await assert.rejects(say("four"), /sync failed/);
      setup.fail = (asked) => asked === "keysQuery";
      setup.changed.push(ALICE);
      await assert.rejects(say("five"), /keysQuery failed/);
      setup.fail = () => false;
      await first.sync();
      assert.equal(await first.decrypt(ROOM, GHOST, await say("six")), "six");
      await close();
    });

    it("begins a new session after as many messages as the room asks, with and without a restart", async () => {
      const setup = new Setup(await open());
      const alice = await setup.alice();
      const sessions: string[] = [];
      for (let start = 0; start < 2; start++) {
        const { device, close } = await setup.open();
        for (let count = 0; count < 12; count++) {
          const content = await device.encrypt(target(5), "m.room.message", { body: `${start} ${count}` });
          await alice.sync();
          assert.equal(await alice.decrypt(ROOM, GHOST, content), `${start} ${count}`);
          sessions.push((JSON.parse(content) as { session_id: string }).session_id);
        }
        await close();
      }
      const uses = [...new Set(sessions)].map((id) => sessions.filter((other) => other === id).length);
      assert.deepEqual(uses, [5, 5, 5, 5, 4]);
    });

    it("keeps to the length that a session was begun with when the room's sessions become longer", async () => {
      const setup = new Setup(await open());
      await setup.alice();
      const { device, close } = await setup.open();
      const sessions: string[] = [];
      for (const length of [5, 5, ...Array<number>(8).fill(100)]) {
        sessions.push(await sessionOf(device, target(length)));
      }
      assert.deepEqual(
        sessions.map((id) => sessions.indexOf(id)),
        [0, 0, 0, 0, 0, 5, 5, 5, 5, 5],
      );
      await close();
    });

    it("begins a new session in time where the first sharing of the old one failed, long before its first message", async (t) => {
      const setup = new Setup(await open());
      await setup.alice();
      const { device, close } = await setup.open();
      const clock = movableClock(t);
      const session = (): Promise<string> => sessionOf(device);
      setup.fail = (asked) => asked === "sendToDevice";
      await assert.rejects(session());
      setup.fail = () => false;
      const seen: string[] = [];
      const WEEK_MS = 7 * 86_400_000;
      for (const ms of [WEEK_MS / 2, WEEK_MS - 20_000, WEEK_MS - 15_000, WEEK_MS + 10_000]) {
        clock.movedMs = ms;
        seen.push(await session());
      }
      assert.deepEqual(
        seen.map((id) => seen.indexOf(id)),
        [0, 0, 0, 3],
      );
      await close();
    });

    it("begins a new session when the old one has expired, however the clock was moved", async (t) => {
      const setup = new Setup(await open());
      await setup.alice();
      const { device, close } = await setup.open();
      const clock = movableClock(t);
      const session = (): Promise<string> => sessionOf(device);
      const seen: string[] = [];
      for (const days of [0, 0, 0, 6.9, 7.1, 7.1, 7.1, 20, 20, 20, 3]) {
        clock.movedMs = days * 86_400_000;
        seen.push(await session());
      }
      const [first, , , fourth, fifth, , seventh, eighth] = seen;
      assert.equal(fourth, first);
      assert.notEqual(fifth, first);
      assert.equal(seventh, fifth);
      assert.notEqual(eighth, fifth);
      await close();
    });

    it("takes a session that a former process began, and never used, for one of unknown age", async (t) => {
      const setup = new Setup(await open());
      await setup.alice();
      const clock = movableClock(t);
      setup.fail = (asked) => asked === "sendToDevice";
      const first = await setup.open();
      await assert.rejects(first.device.encrypt(target(), "m.room.message", {}));
      await first.close();
      setup.fail = () => false;
      const { device, close } = await setup.open();
      const day = 86_400_000;
      // The engine would panic with a session that expires between two of these.
      for (const ms of [
        day,
        day + 1,
        day + 2,
        7 * day - 40_000,
        7 * day - 39_000,
        7 * day + 10_000,
        7 * day + 11_000,
      ]) {
        clock.movedMs = ms;
        await device.encrypt(target(), "m.room.message", {});
      }
      await close();
    });

    it("gives its room key to five hundred devices, each once, in batches that a server takes", async () => {
      const setup = new Setup(await open());
      const ids = Array.from({ length: 500 }, (_, index) => `D${index}`);
      for (const id of ids) {
        setup.server.handle(ALICE, id, { type: RequestType.KeysUpload, body: keysOnlyDevice(ALICE, id) });
      }
      const { device, close } = await setup.open();
      await device.encrypt(target(), "m.room.message", { body: "to all of you" });
      const batches = setup.asked
        .filter(({ asked }) => asked === "sendToDevice")
        .map(({ body }) =>
          Object.keys((JSON.parse(body) as { messages: Record<string, object> }).messages[ALICE] ?? {}),
        );
      assert.deepEqual(batches.flat().sort(), [...ids].sort());
      assert.ok(batches.length > 1 && batches.every(({ length }) => length <= 250));
      assert.equal(setup.count("keysClaim"), 1);
      await close();
    });

    it("says nothing where only signed devices are trusted, while it is unsigned itself", async () => {
      const setup = new Setup(await open());
      await setup.alice();
      const { device, close } = await setup.open();
      // The simulated server knows no cross-signing.
      for (const sendTo of ["cross-signed-untrusted", "cross-signed-tofu", "cross-signed-verified"] as const) {
        const attempt = device.encrypt({ ...target(), sendTo }, "m.room.message", { body: "x" });
        await assert.rejects(attempt, DeviceUnsigned);
      }
      assert.equal(setup.count("sendToDevice"), 0);
      await close();
    });

    it("keeps relations to other events outside the ciphertext", async () => {
      const setup = new Setup(await open());
      const { device, close } = await setup.open();
      const relation = { "m.in_reply_to": { event_id: "$question" } };
      const content = JSON.parse(
        await device.encrypt(target(), "m.room.message", { body: "secret", "m.relates_to": relation }),
      ) as Record<string, unknown>;
      assert.deepEqual(content["m.relates_to"], relation);
      assert.ok(!JSON.stringify(content).includes("secret"));
      await close();
    });

    it("encrypts nothing while the recipients are unknown, and for all later", async () => {
      const setup = new Setup(await open());
      const alice = await setup.alice();
      const { device, close } = await setup.open();
      setup.fail = (asked) => asked === "keysQuery";
      await assert.rejects(device.encrypt(target(), "m.room.message", { body: "early" }), /keysQuery failed/);
      assert.ok(setup.count("keysUpload") > 0, "the other requests went on");
      assert.ok(setup.count("keysQuery") < 5, "and it was not asked again and again");
      for (const lost of ["keysClaim", "sendToDevice"] as const) {
        setup.fail = (asked) => asked === lost;
        await assert.rejects(
          device.encrypt(target(), "m.room.message", { body: "early" }),
          new RegExp(`${lost} failed`),
        );
      }
      setup.fail = () => false;
      const content = await device.encrypt(target(), "m.room.message", { body: "now" });
      await alice.sync();
      assert.equal(await alice.decrypt(ROOM, GHOST, content), "now");
      await close();
    });

    it("uses no encryption algorithm that it does not know", async () => {
      const setup = new Setup(await open());
      const { device, close } = await setup.open();
      const unknown = { ...target(), encryption: { ...target().encryption, algorithm: "unknown" } };
      await assert.rejects(device.encrypt(unknown, "m.room.message", { body: "x" }), UnsupportedEncryption);
      await close();
    });

    it("that is closed during its work ends that work, and everything after, with one kind of error", async () => {
      const setup = new Setup(await open());
      const { device, close } = await setup.open();
      const work = Array.from({ length: 50 }, (_, index) =>
        device.encrypt(target(1), "m.room.message", { body: `message ${index}` }),
      );
      const settled = Promise.allSettled(work);
      await close();
      const results = await settled;
      for (const result of results) {
        if (result.status === "rejected") assert.ok(result.reason instanceof DeviceClosed, String(result.reason));
      }
      assert.ok(results.some(({ status }) => status === "rejected"));
      await assert.rejects(device.catchUp(), DeviceClosed);
    });
  });

  describe("the master key", () => {
    it("is made once, readable only by its owner, and never replaced", async () => {
      const database = await open({ sealed: false });
      const path = join(await temporaryDirectory("key"), "sub", "master.key");
      const made = await MasterKey.open({ from: "file", path }, database);
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      const again = await MasterKey.open({ from: "file", path }, database);
      assert.deepEqual(await again.storeKey(GHOST, "D"), await made.storeKey(GHOST, "D"));
      assert.notDeepEqual(await made.storeKey(GHOST, "D"), await made.storeKey(GHOST, "E"));
      assert.equal((await made.storeKey(GHOST, "D")).length, 32);

      process.env["TEST_MASTER_KEY"] = await readFile(path, "utf8");
      const fromEnv = await MasterKey.open({ from: "env", name: "TEST_MASTER_KEY" }, database);
      assert.deepEqual(await fromEnv.storeKey(GHOST, "D"), await made.storeKey(GHOST, "D"));

      await rm(path);
      await assert.rejects(MasterKey.open({ from: "file", path }, database), MasterKeyError);
      await assert.rejects(stat(path), "no new one was made");
      for (const wrong of ["0".repeat(64), "not a key"]) {
        process.env["TEST_MASTER_KEY"] = wrong;
        await assert.rejects(MasterKey.open({ from: "env", name: "TEST_MASTER_KEY" }, database), MasterKeyError);
      }
    });
  });
});
