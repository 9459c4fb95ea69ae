import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { initAsync, RequestType } from "@matrix-org/matrix-sdk-crypto-wasm";
import { Device } from "../../../src/crypto/device.ts";
import type { RoomEvent } from "../../../src/homeserver/transaction.ts";
import type { EncryptionTarget } from "../../../src/crypto/encryption-target.ts";
import { createCryptoStore } from "../../../src/crypto/store/crypto-store.ts";
import type { DeviceTransport } from "../../../src/crypto/transport.ts";
import type { Database } from "../../../src/database/database.ts";
import { StoredToDeviceAttempts } from "../../../src/ghost/device/to-device-attempts.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { CryptoClient } from "../../support/crypto-client.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { simulatedTransport, type Asked } from "../../support/device-transport.ts";
import { SimulatedKeyServer } from "../../support/simulated-key-server.ts";
import { takeLease } from "../../support/lease.ts";
import { noServerSideKeys } from "../../support/secret-storage.ts";

const GHOST = "@agent_llama:example.test";
const DEVICE = "GHOSTDEVICE";
const ALICE = "@alice:example.test";

interface Opened {
  readonly device: Device;
  readonly close: () => Promise<void>;
}

/** A ghost's device whose server and database fail where a test decides. */
class Faults {
  readonly server = new SimulatedKeyServer();
  /** The users whose master key the server knows, with the key. */
  readonly identities: Record<string, { readonly keys: Readonly<Record<string, string>> }> = {};
  readonly sent: { asked: Asked; body: string }[] = [];
  readonly arrived: string[] = [];
  since: string | undefined;
  onTheWay: (message: ToDevice) => ToDevice = (message) => message;
  beforeRequest: (asked: Asked) => Promise<void> | void = () => undefined;
  saveSince: (since: string) => Promise<void> = (since) => {
    this.since = since;
    return Promise.resolve();
  };
  onRoomKeys: (sessions: readonly string[]) => Promise<void> = (sessions) => {
    this.arrived.push(...sessions);
    return Promise.resolve();
  };
  readonly #database: Database;
  readonly #store: ReturnType<typeof createCryptoStore>;

  constructor(database: Database) {
    this.#database = database;
    this.#store = createCryptoStore(database, silentLogger());
  }

  async open(): Promise<Opened> {
    const lease = await takeLease(this.#database, GHOST);
    const store = await this.#store.open(lease, DEVICE);
    const device = await Device.open({
      userId: GHOST,
      deviceId: DEVICE,
      store,
      storeKey: new Uint8Array(32).fill(7),
      transport: this.#transport(),
      ...noServerSideKeys(),
      inbox: {
        since: this.since,
        saveSince: (since) => this.saveSince(since),
        attempts: new StoredToDeviceAttempts(this.#database, lease, silentLogger()),
        onRoomKeys: (sessions) => this.onRoomKeys(sessions),
      },
      log: silentLogger(),
    });
    return {
      device,
      close: async () => {
        await device.close();
        await store.close();
      },
    };
  }

  /** Somebody else's device. */
  alice(): Promise<CryptoClient> {
    return CryptoClient.open(
      { user: ALICE, device: "ALICEDEVICE" },
      {
        request: (request) => Promise.resolve(JSON.stringify(this.server.handle(ALICE, "ALICEDEVICE", request))),
        sync: (since) => Promise.resolve(this.server.sync(ALICE, "ALICEDEVICE", since)),
      },
    );
  }

  /** Somebody else's device, which has sent the ghost a room key. */
  async write(room: string, body: string): Promise<RoomEvent> {
    const alice = await this.alice();
    await alice.sync();
    const content = await alice.encrypt(room, [ALICE, GHOST], body);
    return asEvent(room, content);
  }

  count(asked: Asked): number {
    return this.sent.filter((request) => request.asked === asked).length;
  }

  #transport(): DeviceTransport {
    const simulated = simulatedTransport(this.server, GHOST, DEVICE, async (asked, body) => {
      this.sent.push({ asked, body });
      await this.beforeRequest(asked);
    });
    const record = async (asked: Asked, body: string): Promise<string> => {
      this.sent.push({ asked, body });
      await this.beforeRequest(asked);
      return "{}";
    };
    return {
      ...simulated,
      sync: async (since) => {
        const answer = await simulated.sync(since);
        return { ...answer, toDevice: answer.toDevice.map((message) => this.onTheWay(message)) };
      },
      keysQuery: async (body) => {
        const answer = JSON.parse(await simulated.keysQuery(body)) as object;
        return JSON.stringify({ ...answer, master_keys: this.identities });
      },
      signaturesUpload: (body) => record("signaturesUpload", body),
      deviceSigningUpload: async (body) => {
        await record("deviceSigningUpload", body);
        const upload = JSON.parse(body) as { master_key: { keys: Record<string, string> } };
        this.identities[GHOST] = upload.master_key;
        return "{}";
      },
    };
  }
}

type ToDevice = Readonly<Record<string, unknown>>;

/** Alice's ciphertext as the event that reaches the ghost. */
function asEvent(roomId: string, content: string): RoomEvent {
  return {
    type: "m.room.encrypted",
    event_id: "$event",
    room_id: roomId,
    sender: ALICE,
    origin_server_ts: 0,
    content: JSON.parse(content) as Record<string, unknown>,
  };
}

/** An Olm message that was damaged on the way. */
function garbled(message: ToDevice): ToDevice {
  return JSON.parse(
    JSON.stringify(message).replace(/("body":")([^"]+)/, (_, start: string, body: string) => {
      const middle = body.length >> 1;
      return `${start}${body.slice(0, middle)}${body.slice(middle, middle + 4) === "AAAA" ? "BBBB" : "AAAA"}${body.slice(middle + 4)}`;
    }),
  ) as ToDevice;
}

function room(name: string, ...recipients: string[]): EncryptionTarget {
  return {
    roomId: name,
    encryption: { algorithm: "m.megolm.v1.aes-sha2", rotationPeriodMs: 604_800_000, rotationPeriodMessages: 100 },
    historyVisibility: "shared",
    recipients: [GHOST, ...recipients],
    sendTo: "unverified",
  };
}

before(() => initAsync());

forEachDatabase((_kind, open) => {
  describe("a ghost's device, when something fails,", () => {
    it("reports room keys until the report is received", async () => {
      const faults = new Faults(await open());
      const { device, close } = await faults.open();
      await device.catchUp();
      const event = await faults.write("!a:example.test", "hello");
      const heard = faults.onRoomKeys;
      faults.onRoomKeys = () => Promise.reject(new Error("the database is away"));
      await assert.rejects(device.catchUp(), /the database is away/);
      faults.onRoomKeys = heard;
      await device.catchUp();
      assert.deepEqual(faults.arrived, [event.content["session_id"]]);
      await close();
    });

    it("replaces a wedged session, and is understood under the new one", async (t) => {
      const faults = new Faults(await open());
      const { device, close } = await faults.open();
      await device.catchUp();
      const alice = await faults.alice();
      await alice.sync();
      await alice.encrypt("!a:example.test", [ALICE, GHOST], "hello");
      await device.lists.track([ALICE]);
      await device.catchUp();
      await device.encrypt(room("!a:example.test", ALICE), "m.room.message", { body: "hello" });
      await alice.sync();

      // The engine replaces no session younger than an hour.
      const later = Date.now() + 2 * 3_600_000;
      t.mock.method(Date, "now", () => later);
      faults.onTheWay = garbled;
      const lost = await alice.encrypt("!b:example.test", [ALICE, GHOST], "lost");
      const claims = faults.count("keysClaim");
      await device.catchUp();
      assert.equal(faults.count("keysClaim"), claims + 1);

      faults.onTheWay = (message) => message;
      await alice.sync();
      const found = await alice.encrypt("!c:example.test", [ALICE, GHOST], "found");
      await device.catchUp();
      const read = async (roomId: string, content: string): Promise<string> =>
        (await device.decrypt(asEvent(roomId, content), "unverified")).kind;
      assert.equal(await read("!c:example.test", found), "decrypted");
      assert.equal(await read("!b:example.test", lost), "missing_key");
      await close();
    });

    it("moves on in /sync only as far as its store holds everything", async () => {
      const faults = new Faults(await open());
      const first = await faults.open();
      await first.device.catchUp();
      const before = faults.since;
      const event = await faults.write("!a:example.test", "hello");
      faults.saveSince = () => Promise.reject(new Error("killed"));
      await assert.rejects(first.device.catchUp(), /killed/);
      await first.close();
      assert.equal(faults.since, before);

      faults.saveSince = (since) => {
        faults.since = since;
        return Promise.resolve();
      };
      const again = await faults.open();
      await again.device.catchUp();
      assert.notEqual(faults.since, before);
      assert.equal((await again.device.decrypt(event, "unverified")).kind, "decrypted");
      await again.close();
    });

    it("encrypts for no unknown person, in however many rooms at once", async () => {
      const faults = new Faults(await open());
      const { device, close } = await faults.open();
      await device.catchUp();
      faults.beforeRequest = (asked) => {
        if (asked === "keysQuery") throw new Error("no answer");
      };
      const users = ["@a:example.test", "@b:example.test", "@c:example.test", "@d:example.test"];
      const attempts = await Promise.allSettled(
        users.map((user, index) => device.encrypt(room(`!${index}:example.test`, user), "m.room.message", {})),
      );
      assert.deepEqual(
        attempts.map(({ status }) => status),
        users.map(() => "rejected"),
      );
      await close();
    });

    it("lets no request wait for another, and repeats a failed request unchanged", async () => {
      const faults = new Faults(await open());
      const { device, close } = await faults.open();
      const held = Promise.withResolvers<undefined>();
      const uploaded = Promise.withResolvers<undefined>();
      faults.beforeRequest = async (asked) => {
        if (asked === "keysUpload") {
          uploaded.resolve(undefined);
          throw new Error("refused");
        }
        if (asked === "keysQuery") await held.promise;
      };
      const tracking = device.lists.track([ALICE]);
      await uploaded.promise;
      held.resolve(undefined);
      await tracking;
      faults.beforeRequest = () => undefined;
      await device.catchUp();
      const [first, second] = faults.sent.filter(({ asked }) => asked === "keysUpload");
      assert.ok(first && second);
      assert.equal(second.body, first.body);
      await close();
    });

    it("makes new one-time keys when the server says that there are none", async () => {
      const faults = new Faults(await open());
      const { device, close } = await faults.open();
      await device.catchUp();
      await device.catchUp();
      const uploads = faults.count("keysUpload");
      for (let claim = 0; claim < 50; claim++) {
        faults.server.handle(ALICE, "ALICEDEVICE", {
          type: RequestType.KeysClaim,
          body: JSON.stringify({ one_time_keys: { [GHOST]: { [DEVICE]: "signed_curve25519" } } }),
        });
      }
      await device.catchUp();
      assert.equal(faults.count("keysUpload"), uploads + 1);
      const keys = JSON.parse(faults.sent.filter(({ asked }) => asked === "keysUpload").at(-1)?.body ?? "{}") as {
        one_time_keys?: object;
      };
      assert.equal(Object.keys(keys.one_time_keys ?? {}).length, 50);
      await close();
    });
  });

  describe("a ghost's identity", () => {
    it("is the same however often the device is opened", async () => {
      const faults = new Faults(await open());
      const masters = new Set<string>();
      for (let opening = 0; opening < 5; opening++) {
        const { device, close } = await faults.open();
        await device.catchUp();
        await device.establishIdentity({ reset: false });
        masters.add(JSON.stringify(faults.identities[GHOST]?.keys));
        await close();
      }
      assert.equal(masters.size, 1);
      assert.equal(faults.count("deviceSigningUpload"), 5);
      assert.ok(faults.count("signaturesUpload") > 0);
    });

    it("is finished with the same keys after an upload that failed", async () => {
      const faults = new Faults(await open());
      const first = await faults.open();
      faults.beforeRequest = (asked) => {
        if (asked === "deviceSigningUpload") throw new Error("502");
      };
      await assert.rejects(first.device.establishIdentity({ reset: false }), /502/);
      await first.close();
      faults.beforeRequest = () => undefined;
      const second = await faults.open();
      await second.device.establishIdentity({ reset: false });
      await second.close();
      const uploads = faults.sent.filter(({ asked }) => asked === "deviceSigningUpload");
      const keys = uploads.map(({ body }) => (JSON.parse(body) as { master_key: { keys: unknown } }).master_key.keys);
      assert.equal(keys.length, 2);
      assert.deepEqual(keys[1], keys[0]);
    });
  });
});
