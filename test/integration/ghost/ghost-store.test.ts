import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DeviceStore } from "../../../src/ghost/device/device-store.ts";
import { GhostStore } from "../../../src/ghost/ghost-store.ts";
import { Memberships } from "../../../src/mailbox/memberships.ts";
import { Outbox, transactionId } from "../../../src/ghost/outbox.ts";
import { acquireLease, releaseLease, StaleLease, type Lease } from "../../../src/leases/leases.ts";
import { Processes } from "../../../src/leases/processes.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { StoredToDeviceAttempts } from "../../../src/ghost/device/to-device-attempts.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { addProcess, takeLease } from "../../support/lease.ts";
import { sealsOf } from "../../support/seals.ts";

const LLAMA = "@agent_llama:example.test";
const MAX = "@agent_max:example.test";
const ROOM = "!room:example.test";

forEachDatabase((_kind, open) => {
  describe("the store of a ghost", () => {
    it("begins with a device id that never changes by itself, whoever asks first", async () => {
      const devices = new DeviceStore(await open());
      const records = await Promise.all(Array.from({ length: 5 }, () => devices.ensure(LLAMA)));
      const [record] = records;
      assert.ok(record);
      assert.match(record.deviceId, /^[A-Z]{10}$/);
      for (const other of records) assert.deepEqual(other, record);
      assert.deepEqual(record, {
        deviceId: record.deviceId,
        deviceMade: false,
        accessToken: undefined,
        since: undefined,
        crossSigned: false,
        secured: false,
        renew: false,
        resetIdentity: false,
        replaces: undefined,
        restore: false,
        marker: 0,
      });
      assert.notEqual((await devices.ensure(MAX)).deviceId, record.deviceId);
    });

    it("notes each step separately, for one ghost", async () => {
      const database = await open();
      const [store, devices] = [new GhostStore(database), new DeviceStore(database)];
      const { deviceId } = await devices.ensure(LLAMA);
      await devices.ensure(MAX);
      const lease = await takeLease(database, LLAMA);
      await devices.setDeviceMade(lease, undefined);
      await devices.saveSince(lease, "s1");
      await devices.saveSince(lease, "s2");
      await devices.setCrossSigned(lease, { restore: false });
      await store.setProfile(LLAMA, "fingerprint");
      assert.deepEqual(await devices.ensure(LLAMA), {
        deviceId,
        deviceMade: true,
        accessToken: undefined,
        since: "s2",
        crossSigned: true,
        secured: false,
        renew: false,
        resetIdentity: false,
        replaces: undefined,
        restore: false,
        marker: 0,
      });
      assert.equal((await devices.ensure(MAX)).deviceMade, false);
      assert.deepEqual([await store.profile(LLAMA), await store.profile(MAX)], ["fingerprint", undefined]);
      assert.deepEqual(await store.userIds(), [LLAMA, MAX]);
    });

    it("replaces the existing device by another", async () => {
      const database = await open();
      const [store, devices] = [new GhostStore(database), new DeviceStore(database)];
      const { deviceId } = await devices.ensure(LLAMA);
      const lease = await takeLease(database, LLAMA);
      await devices.setDeviceMade(lease, undefined);
      await devices.saveSince(lease, "s1");
      await devices.setCrossSigned(lease, { restore: false });
      await devices.setSecured(lease);
      assert.deepEqual(await devices.countMarker(lease), { marker: 1, crossSigned: true, secured: true });
      await database.query("update ghosts set renew = true");
      assert.deepEqual(await store.toBeReloaded(), [LLAMA]);
      await devices.replaceDevice(lease);
      const { deviceId: another, ...record } = await devices.ensure(LLAMA);
      assert.notEqual(another, deviceId);
      assert.deepEqual(record, {
        deviceMade: false,
        accessToken: undefined,
        since: undefined,
        crossSigned: false,
        secured: true,
        renew: false,
        resetIdentity: false,
        replaces: deviceId,
        restore: true,
        marker: 1,
      });
      assert.deepEqual(await store.toBeReloaded(), [], "one without its identity is not loaded over and over");
      await devices.replaced(lease);
      await devices.setRestored(lease);
      const { replaces, restore } = await devices.ensure(LLAMA);
      assert.deepEqual([replaces, restore], [undefined, false]);
    });

    it("keeps a device's own token until another device takes its place", async () => {
      const database = await open();
      const [store, devices] = [new GhostStore(database), new DeviceStore(database)];
      await devices.ensure(LLAMA);
      const lease = await takeLease(database, LLAMA);
      await devices.setDeviceMade(lease, "sealed");
      assert.equal((await devices.ensure(LLAMA)).accessToken, "sealed");
      await devices.setToken(lease, "another");
      assert.equal((await devices.ensure(LLAMA)).accessToken, "another");
      await devices.replaceDevice(lease);
      assert.equal((await devices.ensure(LLAMA)).accessToken, undefined);
      assert.equal((await store.announced()).get(LLAMA)?.isPublished, false);
    });

    it("counts a device as published where the homeserver takes no identity, until it is signed", async () => {
      const database = await open();
      const [store, devices] = [new GhostStore(database), new DeviceStore(database)];
      await devices.ensure(LLAMA);
      const lease = await takeLease(database, LLAMA);
      await devices.setDeviceMade(lease, "sealed");
      assert.deepEqual(
        [await devices.setIdentityRefused(lease), await devices.setIdentityRefused(lease)],
        [true, false],
      );
      assert.equal((await store.announced()).get(LLAMA)?.isPublished, true);
      assert.equal((await devices.ensure(LLAMA)).crossSigned, false);
      await devices.setCrossSigned(lease, { restore: false });
      const { rows } = await database.query("select identity_refused from ghosts");
      assert.deepEqual(rows, [{ identity_refused: false }]);
    });

    it("takes no secrets in secret storage for those of a new identity", async () => {
      const database = await open();
      const devices = new DeviceStore(database);
      await devices.ensure(LLAMA);
      const lease = await takeLease(database, LLAMA);
      await devices.setSecured(lease);
      assert.deepEqual(await devices.countMarker(lease, { isIdentityNew: true }), {
        marker: 1,
        crossSigned: false,
        secured: false,
      });
      assert.equal((await devices.ensure(LLAMA)).secured, false);
    });

    it("takes no writes from a process that has lost the ghost", async () => {
      const database = await open();
      const [devices, outbox] = [new DeviceStore(database), new Outbox(database, sealsOf(database))];
      const before = await devices.ensure(LLAMA);
      const former = await takeLease(database, LLAMA);
      await takeLease(database, LLAMA);
      await assert.rejects(devices.saveSince(former, "s1"), StaleLease);
      await assert.rejects(devices.setDeviceMade(former, undefined), StaleLease);
      await assert.rejects(devices.setCrossSigned(former, { restore: false }), StaleLease);
      const send = { txnId: "t", roomId: ROOM, eventType: "m.room.message", content: "{}" };
      await assert.rejects(outbox.store(former, send), StaleLease);
      await assert.rejects(outbox.sent(former, "t", "$e"), StaleLease);
      assert.deepEqual(await devices.ensure(LLAMA), before);
      assert.equal(await outbox.find(LLAMA, "t"), undefined);
    });

    it("names the ghosts that expect keys: those with a device in an encrypted room, and not another process's", async () => {
      const database = await open();
      const [store, devices] = [new GhostStore(database), new DeviceStore(database)];
      const self = await addProcess(database);
      const withKeys = async (): Promise<string[]> => (await store.withKeys(self)).map(({ userId }) => userId);
      assert.deepEqual(await withKeys(), []);
      await database.query(`insert into rooms (room_id, encryption) values ('!e', '{}'), ('!plain', null)`);
      for (const ghost of [LLAMA, MAX]) await devices.ensure(ghost);
      await database.query(
        `insert into memberships (ghost, room_id, membership) values ($1, '!e', 'join'), ($1, '!plain', 'join'),
           ($2, '!plain', 'join'), ($2, '!e', 'leave')`,
        [LLAMA, MAX],
      );
      assert.deepEqual(await withKeys(), [], "no device");
      for (const ghost of [LLAMA, MAX]) await devices.setDeviceMade(await takeLease(database, ghost), undefined);
      assert.deepEqual(await withKeys(), [LLAMA]);
      const other = await Processes.join(database, { expireAfterMs: 60_000, log: silentLogger() });
      await acquireLease(database, LLAMA, other.self);
      assert.deepEqual(await withKeys(), []);
      await other.leave();
      assert.deepEqual(await withKeys(), [LLAMA]);
    });

    it("knows where a device rests, unless loading it would finish something", async () => {
      const database = await open();
      const [store, devices] = [new GhostStore(database), new DeviceStore(database)];
      const self = await addProcess(database);
      await database.query(`insert into rooms (room_id, encryption) values ('!e', '{}')`);
      await database.query("insert into memberships (ghost, room_id, membership) values ($1, '!e', 'join')", [LLAMA]);
      const { deviceId } = await devices.ensure(LLAMA);
      const lease = await takeLease(database, LLAMA);
      await devices.setDeviceMade(lease, undefined);
      const place = async (): Promise<unknown> => (await store.withKeys(self))[0];
      const restsAt = async (): Promise<unknown> => (await store.withKeys(self))[0]?.restsAt;
      await devices.saveSince(lease, "s1");
      await devices.setCrossSigned(lease, { restore: false });
      await devices.setBackup(lease, "behind");
      await releaseLease(database, lease);
      assert.deepEqual(
        await place(),
        { userId: LLAMA, deviceId, accessToken: undefined, restsAt: undefined },
        "its keys are not backed up",
      );
      const again = await takeLease(database, LLAMA);
      await devices.setBackup(again, "complete");
      await releaseLease(database, again);
      assert.deepEqual(await place(), { userId: LLAMA, deviceId, accessToken: undefined, restsAt: "s1" });
      for (const open of ["renew", "restore"]) {
        await database.query(`update ghosts set ${open} = true`);
        assert.equal(await restsAt(), undefined, open);
        await database.query(`update ghosts set ${open} = false`);
      }
      await database.query("update ghosts set replaces = 'OLD'");
      assert.equal(await restsAt(), undefined, "it replaces another one");
      await database.query("update ghosts set replaces = null");
      const verifying = "insert into verifications (ghost, flow_id, user_id, state) values ($1, 'f', '@ann:hs', $2)";
      await database.query(verifying, [LLAMA, "requested"]);
      assert.equal(await restsAt(), undefined, "somebody verifies it");
      await database.query("update verifications set state = 'done'");
      assert.equal(await restsAt(), "s1");
      const memberships = new Memberships(database);
      const greeting = await takeLease(database, LLAMA);
      await memberships.setUngreeted(greeting, "!e", "@ann:hs");
      await releaseLease(database, greeting);
      assert.equal(await restsAt(), undefined, "somebody may read a greeting soon");
      await database.query("update memberships set ungreeted_since = ungreeted_since - interval '10 minutes'");
      assert.equal(await restsAt(), "s1", "nobody has to wait so long to be looked for at every start");
      await database.query("insert into events (event_id, room_id) values ('$late', '!e')");
      await database.query(
        `insert into mailbox (ghost, event_id, state, session_id, waiting_since)
         values ($1, '$late', 'awaiting_key', 's', now())`,
        [LLAMA],
      );
      assert.equal(await restsAt(), undefined, "a message waits for its key");
      await database.query("update mailbox set waiting_since = waiting_since - interval '1 day'");
      assert.equal(await restsAt(), "s1");
      await takeLease(database, LLAMA);
      assert.equal(await restsAt(), undefined, "its process ended without giving it back");
    });

    it("learns the ghost's rooms from the server, and keeps its knowledge of those rooms", async () => {
      const database = await open();
      const memberships = new Memberships(database);
      const known = `insert into memberships (ghost, room_id, membership, direct) values
        ($1, '!dm', 'join', true), ($1, '!left', 'leave', false), ($1, '!invited', 'invite', true)`;
      await database.query(known, [LLAMA]);
      await memberships.reconcile(LLAMA, ["!dm", "!left", "!invited", "!new", "!newdm"], new Set(["!newdm"]));
      const direct: Record<string, unknown> = {};
      for (const room of ["!dm", "!left", "!invited", "!new", "!newdm"]) {
        const membership = await memberships.membership(LLAMA, room);
        assert.equal(membership?.membership, "join", room);
        direct[room] = membership.calledDirect;
      }
      assert.deepEqual(direct, { "!dm": true, "!left": false, "!invited": true, "!new": false, "!newdm": true });
      assert.equal(await memberships.membership(MAX, "!dm"), undefined);
      await memberships.reconcile(LLAMA, [], new Set());
    });
  });

  describe("a to-device message", () => {
    it("that ends the process is delivered alone after the first time, and set aside after the third", async () => {
      const database = await open();
      const devices = new DeviceStore(database);
      await devices.ensure(LLAMA);
      const [good, poison] = [
        { type: "m.room.encrypted", content: { n: 1 } },
        { type: "m.x", content: { n: "\0\ud800" } },
      ];
      // Each run of the process takes the ghost again.
      const life = async (): Promise<{ lease: Lease; attempts: StoredToDeviceAttempts }> => {
        const lease = await takeLease(database, LLAMA);
        return { lease, attempts: new StoredToDeviceAttempts(database, lease, silentLogger()) };
      };
      assert.equal(await (await life()).attempts.begin(), false, "ends it in the batch");
      for (let death = 2; death <= 3; death++) {
        const { attempts } = await life();
        assert.equal(await attempts.begin(), true);
        assert.equal(await attempts.mayTry(good), true);
        await attempts.passed(good);
        assert.equal(await attempts.mayTry(poison), true, `ends it for the ${death}. time`);
      }
      const { lease, attempts } = await life();
      assert.equal(await attempts.begin(), true);
      assert.equal(await attempts.mayTry(good), true);
      await attempts.passed(good);
      assert.equal(await attempts.mayTry(poison), false);
      await devices.saveSince(lease, "s");
      assert.equal(await attempts.begin(), false, "the place in /sync has moved");
      const { rows } = await database.query<{ set_aside: boolean; message: string }>(
        "select set_aside, message from to_device_trials",
      );
      assert.deepEqual([rows.length, rows[0]?.set_aside], [1, true]);
      assert.match(rows[0]?.message ?? "", /m\.x/);
    });
  });

  describe("an event to be sent", () => {
    it("is kept in its first form, or as it was changed before it left, and dropped once it has left", async () => {
      const database = await open();
      const outbox = new Outbox(database, sealsOf(database));
      const lease = await takeLease(database, LLAMA);
      const find = async (ghost: string): Promise<unknown> => {
        const { ageMs, ...found } = (await outbox.find(ghost, "t")) ?? { ageMs: 0 };
        assert.ok(ageMs >= 0 && ageMs < 60_000);
        return found;
      };
      const send = { txnId: "t", roomId: ROOM, eventType: "m.room.message", content: '{"body":"a"}' };
      assert.deepEqual(await find(LLAMA), {});
      await outbox.store(lease, send);
      assert.deepEqual(await find(LLAMA), { ...send, eventId: undefined });
      assert.deepEqual(await find(MAX), {});
      const encrypted = { ...send, eventType: "m.room.encrypted", content: '{"ciphertext":"x"}' };
      await outbox.store(lease, encrypted);
      assert.deepEqual(await find(LLAMA), { ...encrypted, eventId: undefined });
      await outbox.sent(lease, "t", "$sent");
      await outbox.store(lease, send);
      assert.deepEqual(await find(LLAMA), { ...encrypted, content: "{}", eventId: "$sent" });
    });
  });
});

forEachDatabase((_kind, open) => {
  describe("the outbox", () => {
    it("forgets events that were sent long ago, and none that were not", async () => {
      const database = await open();
      const outbox = new Outbox(database, sealsOf(database));
      const lease = await takeLease(database, LLAMA);
      for (const txnId of ["sent", "pending"]) {
        await outbox.store(lease, { txnId, roomId: ROOM, eventType: "m.room.message", content: "{}" });
      }
      await outbox.sent(lease, "sent", "$sent");
      assert.equal(await outbox.prune(90), 0);
      await database.query("update sends set created_at = created_at - interval '91 days'");
      assert.equal(await outbox.prune(90), 1);
      assert.ok(await outbox.find(LLAMA, "pending"));
      assert.equal(await outbox.find(LLAMA, "sent"), undefined);
      await database.query("update sends set created_at = created_at - interval '91 days'");
      assert.equal(await outbox.prune(90), 1, "but not for ever");
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
