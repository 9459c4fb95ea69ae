import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RoomEvent } from "../../../src/homeserver/transaction.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { roomsMarkedByMessage, unmarkRoom } from "../../../src/rooms/encrypted-by-message.ts";
import { Rooms } from "../../../src/rooms/rooms.ts";
import type { StateEvent } from "../../../src/homeserver/room-calls.ts";
import { forEachDatabase } from "../../support/databases.ts";

const ROOM = "!room:example.test";
const MEGOLM = { algorithm: "m.megolm.v1.aes-sha2", rotation_period_ms: 60_000, rotation_period_msgs: 7 };

const IDS = { event_id: "$event", room_id: ROOM, sender: "@alice:example.test", origin_server_ts: 1 };

function state(type: string, content: Record<string, unknown>, stateKey = ""): StateEvent {
  return { type, state_key: stateKey, sender: "@alice:example.test", content };
}

function member(userId: string, membership: string, displayname?: unknown): StateEvent {
  return state("m.room.member", { membership, ...(displayname === undefined ? {} : { displayname }) }, userId);
}

function event(type: string, content: Record<string, unknown> = {}, stateKey = ""): RoomEvent {
  return { ...IDS, type, content, state_key: stateKey };
}

forEachDatabase((_kind, open) => {
  describe("the knowledge of rooms", () => {
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
      await database.transaction((tx) => rooms.note(tx, [event("m.room.message"), event("org.example.unknown")]));
      await rooms.view(ROOM, read);
      assert.equal(reads, 1);
      await database.transaction((tx) =>
        rooms.note(tx, [event("m.room.member", { membership: "join" }, "@bob:example.test")]),
      );
      assert.equal((await rooms.view(ROOM, read)).name, "read 2");
    });

    it("tells which message was last, by whoever it was, and counts no edit, reaction, deletion or state", async () => {
      const database = await open();
      const rooms = new Rooms(database, silentLogger());
      const said = (eventId: string, type = "m.room.message", relation?: object): RoomEvent => {
        const content = relation === undefined ? {} : { "m.relates_to": relation };
        return { ...IDS, event_id: eventId, type, content };
      };
      const latest = async (): Promise<string | undefined> => (await rooms.lastSeen(ROOM)).latest;
      assert.equal(await latest(), undefined);
      await database.transaction((tx) => rooms.note(tx, [said("$one"), said("$two", "m.room.encrypted")]));
      assert.equal(await latest(), "$two");
      const to = (rel_type: string): object => ({ rel_type, event_id: "$two" });
      await database.transaction((tx) =>
        rooms.note(tx, [
          said("$edit", "m.room.message", to("m.replace")),
          said("$reaction", "m.room.encrypted", to("m.annotation")),
          said("$clear", "m.reaction", to("m.annotation")),
          said("$vote", "m.room.encrypted", to("m.reference")),
          said("$deletion", "m.room.redaction"),
          said("$verification", "m.key.verification.ready", to("m.reference")),
          event("m.room.topic", { topic: "x" }),
        ]),
      );
      assert.equal(await latest(), "$two");
      for (const [eventId, type, relation] of [
        ["$thread", "m.room.encrypted", to("m.thread")],
        ["$reply", "m.room.message", { "m.in_reply_to": { event_id: "$two" } }],
        ["$odd", "m.room.message", 7],
        ["$sticker", "m.sticker", undefined],
        ["$unknown", "org.example.whatever", undefined],
      ] as const) {
        await database.transaction((tx) => rooms.note(tx, [said(eventId, type, relation as object)]));
        assert.equal(await latest(), eventId);
      }
      assert.equal((await rooms.lastSeen("!other:example.test")).latest, undefined);
    });

    it("tells whether a message is the last one in a direct chat of two", async () => {
      const database = await open();
      const rooms = new Rooms(database, silentLogger());
      const [llama, alice, bob] = ["@agent_llama:example.test", "@alice:example.test", "@bob:example.test"];
      let members: StateEvent[] = [member(alice, "join"), member(llama, "join")];
      const seen = async (eventId = "$one"): Promise<boolean> => {
        await database.transaction((tx) => rooms.note(tx, [event("m.room.member", { membership: "join" }, alice)]));
        await rooms.view(ROOM, () => Promise.resolve(members));
        return rooms.isLatestOfTwo(llama, ROOM, eventId);
      };
      await database.transaction((tx) =>
        rooms.note(tx, [{ ...IDS, event_id: "$one", type: "m.room.message", content: {} }]),
      );
      assert.equal(await seen(), false, "nobody has called it a direct chat");
      await database.query(
        "insert into memberships (ghost, room_id, membership, direct) values ($1, $2, 'join', true)",
        [llama, ROOM],
      );
      assert.deepEqual([await seen(), await seen("$zero")], [true, false]);
      for (const third of [member(bob, "join"), member(bob, "invite")]) {
        members = [member(alice, "join"), member(llama, "join"), third];
        assert.equal(await seen(), false);
      }
      members = [member(alice, "join"), member(bob, "join")];
      assert.equal(await seen(), false, "the ghost is not in it");
      members = [member(llama, "join"), member(bob, "leave")];
      assert.equal(await seen(), false, "nobody else is in it");
      members = [member(llama, "join"), member(alice, "invite"), member(bob, "leave")];
      assert.equal(await seen(), true);
    });

    it("is read again when the state changes during the reading", async () => {
      const database = await open();
      const rooms = new Rooms(database, silentLogger());
      let reads = 0;
      const view = await rooms.view(ROOM, async () => {
        if (++reads === 1) await database.transaction((tx) => rooms.note(tx, [event("m.room.encryption", MEGOLM)]));
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
      await database.transaction((tx) => rooms.note(tx, [event("m.room.encryption", MEGOLM)]));
      for (const later of [[], [state("m.room.encryption", {})], [state("m.room.encryption", { algorithm: 7 })]]) {
        await database.transaction((tx) => rooms.note(tx, [event("m.room.encryption", {})]));
        const view = await rooms.view(ROOM, () => Promise.resolve(later));
        assert.equal(view.encryption?.algorithm, MEGOLM.algorithm);
      }
    });

    it("counts a room as encrypted because of an encrypted message, until the operator undoes that, and nothing else does", async () => {
      const database = await open();
      const rooms = new Rooms(database, silentLogger());
      const nothing = (): Promise<StateEvent[]> => Promise.resolve([]);
      const ciphertext = { algorithm: MEGOLM.algorithm, ciphertext: "c", session_id: "s" };
      const spoken = (room: string): RoomEvent => ({
        ...IDS,
        room_id: room,
        type: "m.room.encrypted",
        content: ciphertext,
      });
      const unmark = (room: string): Promise<boolean> => database.transaction((tx) => unmarkRoom(tx, room));
      await rooms.view(ROOM, nothing);
      assert.equal(await rooms.isEncrypted(ROOM), false);
      assert.equal(await unmark(ROOM), false, "there is nothing to take back");
      await database.transaction((tx) => rooms.note(tx, [spoken(ROOM)]));
      assert.ok((await rooms.view(ROOM, nothing)).encryption);
      assert.deepEqual(await roomsMarkedByMessage(database), [{ roomId: ROOM, name: undefined, kept: 0 }]);
      // Like the command, beside a bridge that has the room in memory.
      assert.equal(await database.transaction((tx) => unmarkRoom(tx, ROOM)), true);
      assert.equal(await rooms.isEncrypted(ROOM), false);
      assert.equal((await rooms.view(ROOM, nothing)).encryption, undefined);
      await database.transaction((tx) => rooms.note(tx, [spoken(ROOM)]));
      assert.equal(await rooms.isEncrypted(ROOM), true, "the next one marks it again");
      // Once the state has said it, in an event or in a read state, the room is encrypted for ever.
      await database.transaction((tx) => rooms.note(tx, [event("m.room.encryption", MEGOLM)]));
      assert.equal(await unmark(ROOM), false);
      const other = "!other:example.test";
      await database.transaction((tx) => rooms.note(tx, [spoken(other)]));
      await rooms.view(other, () => Promise.resolve([state("m.room.encryption", MEGOLM)]));
      assert.equal(await unmark(other), false);
      await database.transaction((tx) => rooms.note(tx, [{ ...event("m.room.name"), room_id: other }]));
      await rooms.view(other, nothing);
      assert.equal(await unmark(other), false);
      assert.deepEqual([await rooms.isEncrypted(ROOM), await rooms.isEncrypted(other)], [true, true]);
      assert.deepEqual(await roomsMarkedByMessage(database), []);
    });

    it("takes an invalid encryption event for encryption, not for none", async () => {
      const database = await open();
      const rooms = new Rooms(database, silentLogger());
      await database.transaction((tx) => rooms.note(tx, [event("m.room.encryption", { rotation_period_ms: -1 })]));
      const view = await rooms.view(ROOM, () => Promise.resolve([]));
      assert.deepEqual(view.encryption, {
        algorithm: "unknown",
        rotationPeriodMs: 604_800_000,
        rotationPeriodMessages: 100,
      });
    });

    it("is missing when the state can't be read: then nobody may speak", async () => {
      const database = await open();
      const rooms = new Rooms(database, silentLogger());
      await assert.rejects(
        rooms.view(ROOM, () => Promise.reject(new Error("403"))),
        /403/,
      );
      const view = await rooms.view(ROOM, () => Promise.resolve([state("m.room.encryption", MEGOLM)]));
      assert.ok(view.encryption);
    });

    it("names the recipients of a key: members, and invited people where they may read", async () => {
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
        await database.transaction((tx) => rooms.note(tx, [event("m.room.history_visibility")]));
        const view = await rooms.view(ROOM, () =>
          Promise.resolve([...members, state("m.room.history_visibility", { history_visibility: visibility })]),
        );
        assert.deepEqual(await rooms.recipients(ROOM, view), expected);
      }
    });

    it("gives no key to people whom only an event names, but only to members of the state, for which the server answers", async () => {
      const database = await open();
      const rooms = new Rooms(database, silentLogger());
      const mallory = "@mallory:elsewhere.test";
      let members = [member("@alice:example.test", "join")];
      const read = (): Promise<StateEvent[]> => Promise.resolve([...members, state("m.room.encryption", MEGOLM)]);
      const recipients = async (): Promise<string[]> => rooms.recipients(ROOM, await rooms.view(ROOM, read));
      assert.deepEqual(await recipients(), ["@alice:example.test"]);
      for (const content of [{ membership: "join" }, { membership: "invite" }, { membership: ["join"] }]) {
        await database.transaction((tx) => rooms.note(tx, [event("m.room.member", content, mallory)]));
        const unread = await rooms.recipients(ROOM, {
          encryption: undefined,
          historyVisibility: "shared",
          name: undefined,
        });
        assert.deepEqual(unread, ["@alice:example.test"], "before the state is read");
        assert.deepEqual(await recipients(), ["@alice:example.test"], "and after");
      }
      // The server's statements about the state can't be checked here: docs and SECURITY.md name that as the end of
      // trust in it.
      members = [...members, member(mallory, "join")];
      await database.transaction((tx) => rooms.note(tx, [event("m.room.member", { membership: "join" }, mallory)]));
      assert.deepEqual(await recipients(), ["@alice:example.test", mallory]);
    });

    it("keeps a room encrypted for good once something encrypted was said there, though no state says so", async () => {
      const database = await open();
      const rooms = new Rooms(database, silentLogger());
      const readState = (): Promise<never[]> => Promise.resolve([]);
      assert.equal((await rooms.view(ROOM, readState)).encryption, undefined);
      assert.equal(await rooms.isEncrypted(ROOM), false);
      const { event_id, room_id, sender, type, origin_server_ts } = event("m.room.encrypted");
      const said = { event_id, room_id, sender, type, origin_server_ts };
      // No client makes this.
      await database.transaction((tx) => rooms.note(tx, [{ ...said, content: {} }]));
      assert.equal(await rooms.isEncrypted(ROOM), false);
      const ciphertext = { algorithm: MEGOLM.algorithm, ciphertext: "AwgA", session_id: "s" };
      await database.transaction((tx) => rooms.note(tx, [{ ...said, content: ciphertext }]));
      for (const known of [rooms, new Rooms(database, silentLogger())]) {
        assert.equal((await known.view(ROOM, readState)).encryption?.algorithm, MEGOLM.algorithm);
        await database.transaction((tx) => known.note(tx, [event("m.room.encryption"), event("m.room.member")]));
        assert.equal((await known.view(ROOM, readState)).encryption?.algorithm, MEGOLM.algorithm);
      }
      // State of this type is nobody's message.
      await database.transaction((tx) => rooms.note(tx, [{ ...event("m.room.encrypted"), room_id: "!state:a.b" }]));
      assert.equal((await rooms.view("!state:a.b", readState)).encryption, undefined);
    });

    it("reads a state as far as possible that is listed twice, or holds forbidden content", async () => {
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
      // A room whose state was never read.
      assert.ok(await rooms.isEncrypted("!other:a.b"));
    });

    it("gives a member's display name, storable whatever it holds", async () => {
      const database = await open();
      const rooms = new Rooms(database, silentLogger());
      await rooms.view(ROOM, () =>
        Promise.resolve([member("@a:a.b", "join", "Ada \0\ud800"), member("@b:a.b", "join", "")]),
      );
      assert.equal(await rooms.displayName(ROOM, "@a:a.b"), "Ada \ufffd");
      assert.equal(await rooms.displayName(ROOM, "@b:a.b"), "b");
      assert.equal(await rooms.displayName(ROOM, "@c:a.b"), "c");
    });

    it("names a speaker with their user id while another member has the same name, however it is written", async () => {
      const database = await open();
      const rooms = new Rooms(database, silentLogger());
      const among = async (members: readonly StateEvent[]): Promise<string[]> => {
        await database.transaction((tx) => rooms.note(tx, [{ ...event("m.room.member", {}, "@a:a.b") }]));
        await rooms.view(ROOM, () => Promise.resolve(members));
        return Promise.all(["@alice:a.b", "@mallory:a.b"].map((userId) => rooms.speaker(ROOM, userId)));
      };
      const alice = member("@alice:a.b", "join", "");
      for (const name of ["alice", "Alice", "ＡＬＩＣＥ", "al\u200bice"]) {
        assert.deepEqual(await among([alice, member("@mallory:a.b", "join", name)]), [
          "alice (@alice:a.b)",
          `${name} (@mallory:a.b)`,
        ]);
      }
      assert.deepEqual(await among([alice, member("@mallory:a.b", "invite", "alice")]), [
        "alice (@alice:a.b)",
        "alice (@mallory:a.b)",
      ]);
      assert.deepEqual(await among([alice, member("@mallory:a.b", "leave", "alice")]), ["alice", "alice"]);
      assert.deepEqual(await among([alice, member("@mallory:a.b", "join", "Mallory")]), ["alice", "Mallory"]);
      assert.equal(await rooms.displayName(ROOM, "@mallory:a.b"), "Mallory");
    });
  });
});
