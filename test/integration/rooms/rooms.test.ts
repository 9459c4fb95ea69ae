import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RoomEvent } from "../../../src/homeserver/transaction.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { Rooms, type StateEvent } from "../../../src/rooms/rooms.ts";
import { forEachDatabase } from "../../support/databases.ts";

const ROOM = "!room:example.test";
const MEGOLM = { algorithm: "m.megolm.v1.aes-sha2", rotation_period_ms: 60_000, rotation_period_msgs: 7 };

function state(type: string, content: Record<string, unknown>, stateKey = ""): StateEvent {
  return { type, state_key: stateKey, content };
}

function member(userId: string, membership: string, displayname?: unknown): StateEvent {
  return state("m.room.member", { membership, ...(displayname === undefined ? {} : { displayname }) }, userId);
}

function event(type: string, content: Record<string, unknown> = {}, stateKey = ""): RoomEvent {
  const ids = { event_id: "$event", room_id: ROOM, sender: "@alice:example.test", origin_server_ts: 1 };
  return { ...ids, type, content, state_key: stateKey };
}

forEachDatabase((_kind, open) => {
  describe("what is known of rooms", () => {
    it("is read once for all who ask, and again only when an event says that it changed", async () => {
      const database = await open();
      const rooms = new Rooms(database, silentLogger());
      let reads = 0;
      const read = (): Promise<StateEvent[]> => {
        reads++;
        return Promise.resolve([state("m.room.name", { name: `read ${reads}` })]);
      };
      await Promise.all(Array.from({ length: 5 }, () => rooms.view(ROOM, read)));
      assert.equal((await rooms.view(ROOM, read)).name, "read 1");
      assert.equal(reads, 1);
      await rooms.note(database, [event("m.room.message"), event("org.example.unknown")]);
      await rooms.view(ROOM, read);
      assert.equal(reads, 1);
      await rooms.note(database, [event("m.room.member", { membership: "join" }, "@bob:example.test")]);
      assert.equal((await rooms.view(ROOM, read)).name, "read 2");
    });

    it("is read once more when it changes during the reading", async () => {
      const database = await open();
      const rooms = new Rooms(database, silentLogger());
      let reads = 0;
      const view = await rooms.view(ROOM, async () => {
        if (++reads === 1) await rooms.note(database, [event("m.room.encryption", MEGOLM)]);
        return reads === 1 ? [] : [state("m.room.encryption", MEGOLM)];
      });
      assert.equal(reads, 2);
      assert.deepEqual(view.encryption, {
        algorithm: MEGOLM.algorithm,
        rotationPeriodMs: 60_000,
        rotationPeriodMessages: 7,
      });
    });

    it("never lets go of encryption, whatever the state says later", async () => {
      const database = await open();
      const rooms = new Rooms(database, silentLogger());
      await rooms.note(database, [event("m.room.encryption", MEGOLM)]);
      for (const later of [[], [state("m.room.encryption", {})], [state("m.room.encryption", { algorithm: 7 })]]) {
        await rooms.note(database, [event("m.room.encryption", {})]);
        const view = await rooms.view(ROOM, () => Promise.resolve(later));
        assert.equal(view.encryption?.algorithm, MEGOLM.algorithm);
      }
    });

    it("takes rubbish for encryption rather than for none", async () => {
      const database = await open();
      const rooms = new Rooms(database, silentLogger());
      await rooms.note(database, [event("m.room.encryption", { rotation_period_ms: -1 })]);
      const view = await rooms.view(ROOM, () => Promise.resolve([]));
      assert.deepEqual(view.encryption, {
        algorithm: "unknown",
        rotationPeriodMs: 604_800_000,
        rotationPeriodMessages: 100,
      });
    });

    it("is nothing at all when it can't be read: whoever would speak must not", async () => {
      const database = await open();
      const rooms = new Rooms(database, silentLogger());
      await assert.rejects(
        rooms.view(ROOM, () => Promise.reject(new Error("403"))),
        /403/,
      );
      const view = await rooms.view(ROOM, () => Promise.resolve([state("m.room.encryption", MEGOLM)]));
      assert.ok(view.encryption);
    });

    it("names who is to receive a key: those who are there, and those invited where they may read", async () => {
      const database = await open();
      const rooms = new Rooms(database, silentLogger());
      const members = [
        member("@here:a.b", "join"),
        member("@asked:a.b", "invite"),
        member("@gone:a.b", "leave"),
        member("@out:a.b", "ban"),
        member("no user", "join"),
        member("@half\ud800:a.b", "join"),
        member("@odd:a.b", "join", { not: "a name" }),
        member("@nul:a.b", "\0\ud800"),
        state("m.room.member", { membership: 7 }, "@seven:a.b"),
        member("@other:a.b", "knock"),
      ];
      for (const [visibility, expected] of [
        ["shared", ["@asked:a.b", "@here:a.b", "@odd:a.b"]],
        ["joined", ["@here:a.b", "@odd:a.b"]],
        ["nonsense", ["@asked:a.b", "@here:a.b", "@odd:a.b"]],
      ] as const) {
        await rooms.note(database, [event("m.room.history_visibility")]);
        const view = await rooms.view(ROOM, () =>
          Promise.resolve([...members, state("m.room.history_visibility", { history_visibility: visibility })]),
        );
        assert.deepEqual(await rooms.recipients(ROOM, view), expected);
      }
    });

    it("reads a state that is listed twice, or holds what it must not, as far as it goes", async () => {
      const database = await open();
      const rooms = new Rooms(database, silentLogger());
      const view = await rooms.view(ROOM, () =>
        Promise.resolve([
          member("@a:a.b", "join", "Old"),
          member("@a:a.b", "join", "New"),
          state("m.room.name", { name: "\0Room\ud800" }),
          state("m.room.power_levels", { users: { "\0": "\ud800" } }),
          state("m.room.encryption", { ...MEGOLM, note: "\0" }),
        ]),
      );
      assert.equal(view.name, "Room\ufffd");
      assert.ok(view.encryption);
      assert.equal(await rooms.displayName(ROOM, "@a:a.b"), "New");
      assert.ok(await rooms.isEncrypted(ROOM));
      assert.ok(!(await rooms.isEncrypted("!other:a.b")));
    });

    it("gives the name a member goes by, storable whatever it holds", async () => {
      const database = await open();
      const rooms = new Rooms(database, silentLogger());
      await rooms.view(ROOM, () =>
        Promise.resolve([member("@a:a.b", "join", "Ada \0\ud800"), member("@b:a.b", "join", "")]),
      );
      assert.equal(await rooms.displayName(ROOM, "@a:a.b"), "Ada \ufffd");
      assert.equal(await rooms.displayName(ROOM, "@b:a.b"), "b");
      assert.equal(await rooms.displayName(ROOM, "@c:a.b"), "c");
    });
  });
});
