import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { before, describe, it } from "node:test";
import { initAsync } from "@matrix-org/matrix-sdk-crypto-wasm";
import { createCryptoStore } from "../../../../src/crypto/store/crypto-store.ts";
import { silentLogger } from "../../../../src/observability/log.ts";
import { CryptoClient } from "../../../support/crypto-client.ts";
import { forEachDatabase } from "../../../support/databases.ts";
import { takeLease } from "../../../support/lease.ts";
import { SimulatedKeyServer } from "../../../support/simulated-key-server.ts";

const GHOST = "@agent_llama:example.test";
const ALICE = "@alice:example.test";
const DAY_MS = 86_400_000;

before(() => initAsync());

forEachDatabase((_kind, open) => {
  describe("old room keys", () => {
    it("are forgotten by their age, and nothing else in the store is", async () => {
      const database = await open();
      const store = createCryptoStore(database, silentLogger());
      const server = new SimulatedKeyServer();
      const key = new Uint8Array(randomBytes(32));
      const client = async (user: string, device: string, storeName?: string): Promise<CryptoClient> => {
        const opened = await CryptoClient.open(
          { user, device, ...(storeName === undefined ? {} : { store: storeName, key }) },
          {
            request: (request) => Promise.resolve(JSON.stringify(server.handle(user, device, request))),
            sync: (since) => Promise.resolve(server.sync(user, device, since)),
          },
        );
        await opened.sync();
        return opened;
      };
      const lease = await takeLease(database, GHOST);
      const first = await store.open(lease, "DEVICE");
      const ghost = await client(GHOST, "DEVICE", first.name);
      const alice = await client(ALICE, "ALICE");
      const old = await alice.encrypt("!old:example.test", [GHOST], "old");
      await ghost.sync();
      assert.equal(await ghost.decrypt("!old:example.test", ALICE, old), "old");
      await database.query("update crypto_records set created_at = now() - interval '20 days'");
      const recent = await alice.encrypt("!new:example.test", [GHOST], "recent");
      await ghost.sync();
      await assert.rejects(store.forgetRoomKeys(lease, "DEVICE", 14 * DAY_MS), /open/);
      ghost.machine.close();
      await first.close();

      assert.equal(await store.forgetRoomKeys(lease, "DEVICE", 30 * DAY_MS), 0);
      assert.equal(await store.forgetRoomKeys(lease, "DEVICE", 14 * DAY_MS), 1);
      const second = await store.open(lease, "DEVICE");
      const again = await client(GHOST, "DEVICE", second.name);
      assert.equal(await again.decrypt("!new:example.test", ALICE, recent), "recent");
      await assert.rejects(again.decrypt("!old:example.test", ALICE, old));
      const answer = await again.encrypt("!new:example.test", [ALICE], "and on it goes");
      await alice.sync();
      assert.equal(await alice.decrypt("!new:example.test", GHOST, answer), "and on it goes");
      again.machine.close();
      await second.close();
    });
  });
});
