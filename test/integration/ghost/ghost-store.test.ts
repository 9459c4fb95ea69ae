import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { GhostStore } from "../../../src/ghost/ghost-store.ts";
import { Outbox, transactionId } from "../../../src/ghost/outbox.ts";
import { forEachDatabase } from "../../support/databases.ts";

const LLAMA = "@agent_llama:example.test";
const MAX = "@agent_max:example.test";
const ROOM = "!room:example.test";

forEachDatabase((_kind, open) => {
  describe("what is kept of a ghost", () => {
    it("begins with a device id that never changes by itself, whoever asks first", async () => {
      const store = new GhostStore(await open());
      const records = await Promise.all(Array.from({ length: 5 }, () => store.ensure(LLAMA)));
      const [record] = records;
      assert.ok(record);
      assert.match(record.deviceId, /^[A-Z]{10}$/);
      for (const other of records) assert.deepEqual(other, record);
      assert.deepEqual(record, {
        deviceId: record.deviceId,
        deviceMade: false,
        since: undefined,
        crossSigned: false,
        profile: undefined,
      });
      assert.notEqual((await store.ensure(MAX)).deviceId, record.deviceId);
    });

    it("notes each step on its own, for one ghost", async () => {
      const store = new GhostStore(await open());
      const { deviceId } = await store.ensure(LLAMA);
      await store.ensure(MAX);
      assert.deepEqual(await store.userIdsWithDevice(), []);
      await store.setDeviceMade(LLAMA);
      await store.saveSince(LLAMA, "s1");
      await store.saveSince(LLAMA, "s2");
      await store.setCrossSigned(LLAMA);
      await store.setProfile(LLAMA, "fingerprint");
      assert.deepEqual(await store.ensure(LLAMA), {
        deviceId,
        deviceMade: true,
        since: "s2",
        crossSigned: true,
        profile: "fingerprint",
      });
      assert.equal((await store.ensure(MAX)).deviceMade, false);
      assert.deepEqual(await store.userIds(), [LLAMA, MAX]);
      assert.deepEqual(await store.userIdsWithDevice(), [LLAMA]);
    });

    it("learns from the server where it is, and keeps what it knew of those rooms", async () => {
      const database = await open();
      const store = new GhostStore(database);
      const known = `insert into memberships (ghost, room_id, membership, direct) values
        ($1, '!dm', 'join', true), ($1, '!left', 'leave', false), ($1, '!invited', 'invite', true)`;
      await database.query(known, [LLAMA]);
      await store.reconcile(LLAMA, ["!dm", "!left", "!invited", "!new", "!newdm"], new Set(["!newdm"]));
      const direct: Record<string, unknown> = {};
      for (const room of ["!dm", "!left", "!invited", "!new", "!newdm"]) {
        const membership = await store.membership(LLAMA, room);
        assert.equal(membership?.membership, "join", room);
        direct[room] = membership.direct;
      }
      assert.deepEqual(direct, { "!dm": true, "!left": false, "!invited": true, "!new": false, "!newdm": true });
      assert.equal(await store.membership(MAX, "!dm"), undefined);
      await store.reconcile(LLAMA, [], new Set());
    });
  });

  describe("an event to be sent", () => {
    it("is kept as it first was, or as it became before it left, and let go of once it has", async () => {
      const outbox = new Outbox(await open());
      const send = { txnId: "t", roomId: ROOM, eventType: "m.room.message", content: '{"body":"a"}' };
      assert.equal(await outbox.find(LLAMA, "t"), undefined);
      await outbox.store(LLAMA, send);
      assert.deepEqual(await outbox.find(LLAMA, "t"), { ...send, eventId: undefined });
      assert.equal(await outbox.find(MAX, "t"), undefined);
      const encrypted = { ...send, eventType: "m.room.encrypted", content: '{"ciphertext":"x"}' };
      await outbox.store(LLAMA, encrypted);
      assert.deepEqual(await outbox.find(LLAMA, "t"), { ...encrypted, eventId: undefined });
      await outbox.sent(LLAMA, "t", "$sent");
      await outbox.store(LLAMA, send);
      assert.deepEqual(await outbox.find(LLAMA, "t"), { ...encrypted, content: "{}", eventId: "$sent" });
    });
  });
});

describe("a transaction id", () => {
  it("is the same for the same step, and another for another ghost, room or step", () => {
    assert.equal(transactionId(LLAMA, ROOM, "1"), transactionId(LLAMA, ROOM, "1"));
    const ids = [
      transactionId(LLAMA, ROOM, "1"),
      transactionId(MAX, ROOM, "1"),
      transactionId(LLAMA, "!other", "1"),
      transactionId(LLAMA, ROOM, "2"),
      transactionId(LLAMA, `${ROOM}","1`, ""),
    ];
    assert.equal(new Set(ids).size, ids.length);
    for (const id of ids) assert.match(id, /^[\w-]{20,60}$/);
  });
});
