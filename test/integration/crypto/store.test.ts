import assert from "node:assert/strict";
import { afterEach, before, beforeEach, describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { initAsync, RoomId } from "@matrix-org/matrix-sdk-crypto-wasm";
import { createCryptoStore, type CryptoStore, type StoreSession } from "../../../src/crypto/store/crypto-store.ts";
import { StoreAlreadyOpen, StoreFailed } from "../../../src/crypto/store/errors.ts";
import { DatabaseError, type Database } from "../../../src/database/database.ts";
import { StaleLease } from "../../../src/leases/leases.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { CryptoClient, type Homeserver } from "../../support/crypto-client.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { megolmIndex } from "../../support/megolm-index.ts";
import { SimulatedKeyServer } from "../../support/simulated-key-server.ts";
import { takeLease } from "../../support/lease.ts";

const ALICE = "@alice:example.org";
const BOB = "@bob:example.org";
const ROOM = "!room:example.org";
const KEY = new Uint8Array(32).fill(7);

describe("the crypto store", () => {
  forEachDatabase((_kind, openDatabase) => {
    let database: Database;
    let gate: Gate;
    let store: CryptoStore;
    let server: SimulatedKeyServer;

    before(async () => {
      await initAsync();
      database = await openDatabase();
    });
    beforeEach(() => {
      gate = gateTo(database);
      store = createCryptoStore(gate.database, silentLogger());
      server = new SimulatedKeyServer();
    });
    afterEach(async () => {
      await database.query("delete from crypto_databases");
      await database.query("delete from leases");
    });

    const homeserver = (user: string): Homeserver => ({
      request: (request) => Promise.resolve(JSON.stringify(server.handle(user, "DEVICE", request))),
      sync: (since) => Promise.resolve(server.sync(user, "DEVICE", since)),
    });

    async function open(user: string, key: Uint8Array | undefined, from = store): Promise<Loaded> {
      const session = await from.open(await takeLease(database, user), "DEVICE");
      const options = { user, device: "DEVICE", store: session.name, ...(key === undefined ? {} : { key }) };
      const client = await CryptoClient.open(options, homeserver(user));
      const close = async (): Promise<void> => {
        client.machine.close();
        await session.close();
      };
      return { session, client, close };
    }

    for (const key of [KEY, undefined]) {
      const how = key === undefined ? "without a key" : "with a key";

      it(`opens a device again as it was closed, ${how}`, async () => {
        const first = await open(ALICE, key);
        await first.client.sync();
        const identity = first.client.machine.identityKeys.ed25519.toBase64();
        await first.close();

        const again = await open(ALICE, key);
        assert.equal(again.client.machine.identityKeys.ed25519.toBase64(), identity);
        // The server refuses one-time keys other than its own, and the engine has none left to upload.
        await again.client.sync();
        assert.equal((await again.client.machine.outgoingRequests()).length, 0);
        assert.notEqual(again.session.name, first.session.name);
        await again.close();
      });

      it(`carries a conversation through evictions and uses no message index twice, ${how}`, async () => {
        const seen = new Set<string>();
        let bob = await open(BOB, key);
        await bob.client.sync();
        await bob.close();
        for (let round = 0; round < 6; round++) {
          let alice = await open(ALICE, key);
          await alice.client.sync();
          const wire = [await alice.client.encrypt(ROOM, [ALICE, BOB], `${round}, before`)];
          await alice.close();
          alice = await open(ALICE, key);
          wire.push(await alice.client.encrypt(ROOM, [ALICE, BOB], `${round}, after`));

          bob = await open(BOB, key);
          await bob.client.sync();
          const answer = await bob.client.encrypt(ROOM, [ALICE, BOB], `answer ${round}`);
          await bob.close();
          bob = await open(BOB, key);
          const read = await Promise.all(wire.map((content) => bob.client.decrypt(ROOM, ALICE, content)));
          assert.deepEqual(read, [`${round}, before`, `${round}, after`]);
          await bob.close();

          await alice.client.sync();
          assert.equal(await alice.client.decrypt(ROOM, BOB, answer), `answer ${round}`);
          await alice.close();
          for (const content of wire) {
            const { session, index } = megolmIndex(content);
            assert.ok(!seen.has(`${session} ${index}`), `index ${index} was used twice`);
            seen.add(`${session} ${index}`);
          }
        }
      });
    }

    it("stores nothing readable when the engine has a key", async () => {
      const alice = await open(ALICE, KEY);
      await alice.client.sync();
      const curve = alice.client.machine.identityKeys.curve25519.toBase64();
      const { rows } = await database.query<{ value: string }>("select value from crypto_records");
      assert.ok(rows.some(({ value }) => value.includes("ciphertext")));
      assert.ok(rows.every(({ value }) => !value.includes(curve) && !value.includes("pickle")));
      await alice.close();
    });

    it("lets the engine go on only when the database has answered", async () => {
      const alice = await open(ALICE, KEY);
      await alice.client.sync();
      const first = await alice.client.encrypt(ROOM, [ALICE], "the key is shared with this");
      gate.shut();
      const encrypting = watch(alice.client.machine.encryptRoomEvent(new RoomId(ROOM), "m.room.message", "{}"));
      await gate.knocked();
      for (let turns = 0; turns < 100; turns++) await turn();
      assert.equal(encrypting.settled, false);
      gate.open();
      assert.equal(megolmIndex(await encrypting.promise).index, megolmIndex(first).index + 1);
      await alice.close();
    });

    it("waits for writes under way when it is closed", async () => {
      const alice = await open(ALICE, KEY);
      gate.shut();
      const encrypting = watch(alice.client.encrypt(ROOM, [ALICE], "hello"));
      await gate.knocked();
      const closing = watch(alice.session.close());
      for (let turns = 0; turns < 100; turns++) await turn();
      assert.equal(closing.settled, false);
      gate.open();
      await closing.promise;
      // It had to write more than was pending.
      await assert.rejects(encrypting.promise);
      alice.client.machine.close();
      const again = await open(ALICE, KEY);
      await again.client.sync();
      await again.close();
    });

    it("fails the session when a write is refused, and loads again what is stored", async () => {
      const bob = await open(BOB, KEY);
      await bob.client.sync();
      const alice = await open(ALICE, KEY);
      await alice.client.sync();
      const first = await alice.client.encrypt(ROOM, [ALICE, BOB], "first");

      const refusal = new DatabaseError("the disk is full", { code: "53100", retryable: true });
      gate.refuse(refusal);
      await assert.rejects(alice.client.encrypt(ROOM, [ALICE, BOB], "lost"));
      assert.ok(alice.session.failed.aborted);
      assert.ok(alice.session.failed.reason instanceof StoreFailed);
      assert.equal(alice.session.failed.reason.cause, refusal);
      gate.open();
      // The database would accept it now; the session must not.
      await assert.rejects(alice.client.encrypt(ROOM, [ALICE, BOB], "lost too"));
      await alice.close();

      const again = await open(ALICE, KEY);
      const second = await again.client.encrypt(ROOM, [ALICE, BOB], "second");
      assert.notDeepEqual(megolmIndex(second), megolmIndex(first));
      await bob.client.sync();
      assert.equal(await bob.client.decrypt(ROOM, ALICE, first), "first");
      assert.equal(await bob.client.decrypt(ROOM, ALICE, second), "second");
      await again.close();
      await bob.close();
    });

    it("fences off a former owner", async () => {
      const former = await open(ALICE, KEY);
      await former.client.sync();
      await former.client.encrypt(ROOM, [ALICE], "mine");
      const other = createCryptoStore(database, silentLogger());
      const latter = await open(ALICE, KEY, other);
      const before = await rowsOf(database);
      await assert.rejects(former.client.encrypt(ROOM, [ALICE], "still mine?"));
      assert.ok(former.session.failed.reason instanceof StoreFailed);
      assert.ok(former.session.failed.reason.cause instanceof StaleLease);
      assert.deepEqual(await rowsOf(database), before);
      await former.close();

      await latter.client.encrypt(ROOM, [ALICE], "mine now");
      assert.equal(latter.session.failed.aborted, false);
      await latter.close();
    });

    it("fences off a former owner that upgrades its schema", async () => {
      const session = await store.open(await takeLease(database, ALICE), "DEVICE");
      const other = await createCryptoStore(database, silentLogger()).open(await takeLease(database, ALICE), "DEVICE");
      const late = { user: ALICE, device: "DEVICE", store: session.name, key: KEY };
      await assert.rejects(CryptoClient.open(late, homeserver(ALICE)));
      assert.ok(session.failed.reason instanceof StoreFailed);
      assert.ok(session.failed.reason.cause instanceof StaleLease);
      assert.deepEqual(await rowsOf(database), []);
      await session.close();
      await other.close();
    });

    it("refuses a second opening of a ghost's store, even while it is being opened or closed", async () => {
      const lease = await takeLease(database, ALICE);
      const opening = store.open(lease, "DEVICE");
      await assert.rejects(store.open(lease, "OTHER"), StoreAlreadyOpen);
      const session = await opening;
      await assert.rejects(store.open(lease, "DEVICE"), StoreAlreadyOpen);
      const closing = session.close();
      await assert.rejects(store.open(lease, "DEVICE"), StoreAlreadyOpen);
      await closing;
      await (await store.open(lease, "DEVICE")).close();
    });

    it("can be opened again after an opening that failed", async () => {
      const lease = await takeLease(database, ALICE);
      gate.refuse(new DatabaseError("away", { code: "ECONNREFUSED", retryable: true }));
      await assert.rejects(store.open(lease, "DEVICE"), DatabaseError);
      gate.open();
      await (await store.open(lease, "DEVICE")).close();
    });

    it("takes no writes under a name that was not opened", async () => {
      const stray = { user: ALICE, device: "DEVICE", store: "stray", key: KEY };
      await assert.rejects(CryptoClient.open(stray, homeserver(ALICE)));
    });

    it("destroys a replaced device's rows and nothing else", async () => {
      const alice = await open(ALICE, KEY);
      await assert.rejects(store.destroy(ALICE, "DEVICE"), StoreAlreadyOpen);
      await alice.close();
      const bob = await open(BOB, KEY);
      await bob.close();
      await store.destroy(ALICE, "DEVICE");
      const left = await database.query<{ name: string }>("select name from crypto_databases order by name");
      assert.deepEqual(
        left.rows.map(({ name }) => name),
        [`${BOB}/DEVICE::matrix-sdk-crypto`, `${BOB}/DEVICE::matrix-sdk-crypto-meta`],
      );
    });

    it("writes nothing of a device that was destroyed elsewhere while it is in use", async () => {
      const alice = await open(ALICE, KEY);
      await createCryptoStore(database, silentLogger()).destroy(ALICE, "DEVICE");
      await assert.rejects(alice.client.sync());
      assert.ok(alice.session.failed.aborted);
      assert.deepEqual(await rowsOf(database), []);
      await alice.close();
    });
  });
});

interface Loaded {
  readonly session: StoreSession;
  readonly client: CryptoClient;
  close(): Promise<void>;
}

/**
 * The database behind a gate: when the gate is shut, statements wait in front of it; when it refuses, they fail and
 * reach nothing.
 */
interface Gate {
  readonly database: Database;
  shut(): void;
  refuse(reason: Error): void;
  open(): void;
  /** Resolves when a statement waits in front of the shut gate. */
  knocked(): Promise<void>;
}

function gateTo(database: Database): Gate {
  let opened = Promise.withResolvers<undefined>();
  let knock = Promise.withResolvers<undefined>();
  opened.resolve(undefined);
  const pass = async (): Promise<void> => {
    knock.resolve(undefined);
    await opened.promise;
  };
  return {
    database: {
      ...database,
      query: async (sql, values) => {
        await pass();
        return await database.query(sql, values);
      },
      transaction: async (work) => {
        await pass();
        return await database.transaction(work);
      },
    },
    shut: () => {
      opened = Promise.withResolvers();
      knock = Promise.withResolvers();
    },
    refuse: (reason) => {
      opened = Promise.withResolvers();
      opened.promise.catch(() => undefined);
      opened.reject(reason);
    },
    open: () => {
      opened.resolve(undefined);
      opened = Promise.withResolvers();
      opened.resolve(undefined);
    },
    knocked: async () => {
      await knock.promise;
    },
  };
}

/** A promise and whether it is settled yet. */
function watch<T>(promise: Promise<T>): { readonly promise: Promise<T>; settled: boolean } {
  const watched = { promise, settled: false };
  const settle = (): void => {
    watched.settled = true;
  };
  promise.then(settle, settle);
  return watched;
}

async function rowsOf(database: Database): Promise<unknown[]> {
  return (await database.query("select database, store, key, value from crypto_records order by 1, 2, 3")).rows;
}
