import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Database } from "../../../src/database/database.ts";
import { pruneKeyNotices } from "../../../src/ghost/missing-keys.ts";
import { parseTransaction, type RoomEvent } from "../../../src/homeserver/transaction.ts";
import { acquireLease, fenced, releaseLease, StaleLease, type Lease } from "../../../src/leases/leases.ts";
import { Processes } from "../../../src/leases/processes.ts";
import { dropBeyondQuota, HELD_QUOTAS } from "../../../src/mailbox/held-quota.ts";
import { Mailbox } from "../../../src/mailbox/mailbox.ts";
import { Memberships } from "../../../src/mailbox/memberships.ts";
import { adoptEvents } from "../../../src/mailbox/stored-events.ts";
import type { MailItem } from "../../../src/mailbox/mail-item.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { isCiphertext, NOTE_TOLD } from "../../../src/rooms/encrypted-by-message.ts";
import { isLine } from "../../../src/rooms/line.ts";
import { Rooms } from "../../../src/rooms/rooms.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { eventually } from "../../support/eventually.ts";
import { addProcess, takeLease } from "../../support/lease.ts";
import { sealsOf } from "../../support/seals.ts";

const LLAMA = "@agent_llama:example.test";
const MAX = "@agent_max:example.test";
const ROOM = "!room:example.test";
let count = 0;

function event(fields: Partial<RoomEvent> = {}): RoomEvent {
  return {
    event_id: `$event${++count}`,
    room_id: ROOM,
    sender: "@alice:example.test",
    type: "m.room.message",
    content: { msgtype: "m.text", body: "hello" },
    origin_server_ts: 1,
    ...fields,
  };
}

function membership(ghost: string, value: string, content: Record<string, unknown> = {}): RoomEvent {
  return event({ type: "m.room.member", state_key: ghost, content: { ...content, membership: value } });
}

function replacing(eventId: string): RoomEvent["content"] {
  return { "m.relates_to": { rel_type: "m.replace", event_id: eventId } };
}

forEachDatabase((kind, open) => {
  async function make(): Promise<{
    database: Database;
    mailbox: Mailbox;
    store: (...events: unknown[]) => ReturnType<Mailbox["store"]>;
  }> {
    const database = await open();
    const rooms = new Rooms(database, silentLogger());
    const mailbox = new Mailbox({
      database,
      seals: sealsOf(database),
      noteState: (tx, events, options) => rooms.note(tx, events, options),
      messages: { isLine, isCiphertext, noteTold: NOTE_TOLD },
      isGhost: (userId) => userId.startsWith("@agent_"),
      log: silentLogger(),
    });
    let transaction = 0;
    return {
      database,
      mailbox,
      store: (...events) => mailbox.store(parseTransaction(String(++transaction), { events })),
    };
  }

  async function takeAll(database: Database, mailbox: Mailbox, ghost: string): Promise<string[]> {
    const taken: string[] = [];
    const lease = await takeLease(database, ghost);
    for (let item = await mailbox.next(lease); item !== undefined; item = await mailbox.next(lease)) {
      const done: MailItem = item;
      taken.push(done.event.event_id);
      await fenced(database, lease, (tx) => mailbox.done(tx, done));
    }
    return taken;
  }

  describe("the mailbox", () => {
    it("has a row for every ghost in the room, in order, and none for the sender or for ghosts outside", async () => {
      const { database, mailbox, store } = await make();
      const joins = [membership(LLAMA, "join"), membership(MAX, "join")];
      const said = [event(), event(), event({ sender: LLAMA })];
      const arrivals = await store(...joins, ...said);
      assert.deepEqual([...arrivals.mail].sort(), [LLAMA, MAX]);
      const ids = [...joins, ...said].map(({ event_id }) => event_id);
      assert.deepEqual(await takeAll(database, mailbox, LLAMA), [ids[0], ids[2], ids[3]]);
      assert.deepEqual(await takeAll(database, mailbox, MAX), [ids[1], ids[2], ids[3], ids[4]]);
    });

    it("gives a ghost the events since its invite, before those after its join, though others are done with them", async () => {
      const { database, mailbox, store } = await make();
      await store(membership(MAX, "join"));
      await takeAll(database, mailbox, MAX);
      const [first, second] = [event(), event({ sender: "@bob:example.test" })];
      await store(membership(LLAMA, "invite"), first);
      await takeAll(database, mailbox, MAX);
      const join = membership(LLAMA, "join");
      const [third, fourth] = [event(), event()];
      await store(join, third, fourth);
      const lease = await takeLease(database, LLAMA);
      for (;;) {
        const item = await mailbox.next(lease);
        assert.ok(item);
        const isJoin = item.event.event_id === join.event_id;
        await fenced(database, lease, async (tx) => {
          await mailbox.done(tx, item);
          // The second one was reported to nobody.
          if (isJoin) await mailbox.adopt(tx, LLAMA, item, [first, second]);
        });
        if (isJoin) break;
      }
      assert.deepEqual(
        await takeAll(database, mailbox, LLAMA),
        [first, second, third, fourth].map(({ event_id }) => event_id),
      );
      assert.deepEqual(await takeAll(database, mailbox, LLAMA), []);
      const rooms = new Rooms(database, silentLogger());
      assert.equal((await rooms.lastSeen(ROOM)).latest, fourth.event_id);
    });

    it("keeps of a message that a ghost sent only the id, where no other ghost is in the room", async () => {
      const { database, mailbox, store } = await make();
      await store(membership(LLAMA, "join"), event());
      const [answer, edit] = [event({ sender: LLAMA }), event({ sender: LLAMA, content: replacing("$answer") })];
      assert.deepEqual(await store(answer, edit), { mail: [], wakeUps: [] });
      const later = event();
      await store(later);
      // Synapse sends what was not acknowledged again.
      await store(answer, edit);
      const { rows } = await database.query(
        "select event_id, payload, sealed_by, unrouted, sender from events where sender = $1 order by event_id",
        [LLAMA],
      );
      const kept = { payload: null, sealed_by: null, unrouted: false, sender: LLAMA };
      assert.deepEqual(
        rows,
        [answer, edit].map(({ event_id }) => ({ event_id, ...kept })),
      );
      const rooms = new Rooms(database, silentLogger());
      assert.equal((await rooms.lastSeen(ROOM)).latest, later.event_id);
      assert.equal(await mailbox.senderOf(ROOM, answer.event_id), LLAMA);
      await store(event({ sender: LLAMA, event_id: "$last", content: {} }));
      assert.equal((await rooms.lastSeen(ROOM)).latest, "$last");
    });

    it("gives a ghost's message to the others in the room, and keeps it where no ghost is known to be", async () => {
      const { database, mailbox, store } = await make();
      await store(membership(LLAMA, "join"), membership(MAX, "join"));
      await takeAll(database, mailbox, MAX);
      const [heard, unknown] = [event({ sender: LLAMA }), event({ sender: LLAMA, room_id: "!unknown:example.test" })];
      assert.deepEqual((await store(heard)).mail, [MAX]);
      assert.deepEqual(await takeAll(database, mailbox, MAX), [heard.event_id]);
      await store(unknown);
      const { rows } = await database.query("select unrouted from events where payload is not null and unrouted");
      assert.equal(rows.length, 1);
    });

    it("tells of deletions to those who note the state of rooms: a deleted event may have been state", async () => {
      const database = await open();
      const noted: string[] = [];
      const mailbox = new Mailbox({
        database,
        seals: sealsOf(database),
        noteState: (_tx, events) => Promise.resolve(void noted.push(...events.map(({ type }) => type))),
        messages: { isLine, isCiphertext, noteTold: NOTE_TOLD },
        isGhost: (userId) => userId.startsWith("@agent_"),
        log: silentLogger(),
      });
      for (const said of [
        event(),
        event({ type: "m.room.redaction" }),
        event({ type: "m.room.redaction", sender: LLAMA }),
      ])
        await mailbox.store(parseTransaction(said.event_id, { events: [said] }));
      assert.deepEqual(noted, ["m.room.redaction", "m.room.redaction"]);
    });

    it("takes a room for encrypted because of a ghost's own encrypted message too", async () => {
      const { database, store } = await make();
      await store(membership(LLAMA, "join"), event());
      const content = { algorithm: "m.megolm.v1.aes-sha2", ciphertext: "AwgA", session_id: "session" };
      await store(event({ type: "m.room.encrypted", sender: LLAMA, content }));
      const { rows } = await database.query("select encryption is not null as encrypted from rooms");
      assert.deepEqual(rows, [{ encrypted: true }]);
    });

    if (kind === "postgres") {
      it("keeps for a ghost an event that another one finishes at the same time", async () => {
        const { database, mailbox, store } = await make();
        const said = event();
        const join = membership(LLAMA, "join");
        await store(membership(MAX, "join"), said, join);
        const [max, llama] = [await takeLease(database, MAX), await takeLease(database, LLAMA)];
        const own = await mailbox.next(max);
        assert.ok(own);
        await fenced(database, max, (tx) => mailbox.done(tx, own));
        const read = await mailbox.next(max);
        const entered = await mailbox.next(llama);
        assert.ok(read !== undefined && entered?.event.event_id === join.event_id);
        let done: Promise<void> | undefined;
        await fenced(database, llama, async (tx) => {
          await mailbox.adopt(tx, LLAMA, entered, [said]);
          done = fenced(database, max, (other) => mailbox.done(other, read));
          await eventually("the other one to wait", async () => {
            const { count } = await database.query(
              "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
            );
            return count > 0;
          });
          await mailbox.done(tx, entered);
        });
        await done;
        assert.deepEqual(await takeAll(database, mailbox, LLAMA), [said.event_id]);
      });
    }

    it("gives a ghost nothing from before its join or after its leave", async () => {
      const { database, mailbox, store } = await make();
      const [before, join, between, leave, later] = [
        event(),
        membership(LLAMA, "join"),
        event(),
        membership(LLAMA, "leave"),
        event(),
      ];
      await store(before, membership(LLAMA, "invite"), event(), join, between, leave, later);
      const taken = await takeAll(database, mailbox, LLAMA);
      assert.deepEqual(taken.slice(1), [join.event_id, between.event_id, leave.event_id]);
      assert.ok(!taken.includes(before.event_id) && !taken.includes(later.event_id));
    });

    it("knows an event by its id, whatever transaction brings it", async () => {
      const { database, mailbox } = await make();
      const join = membership(LLAMA, "join");
      const [first, second] = [event(), event()];
      await mailbox.store(parseTransaction("1", { events: [join, first, first] }));
      await mailbox.store(parseTransaction("2", { events: [first] }));
      assert.deepEqual(await takeAll(database, mailbox, LLAMA), [join.event_id, first.event_id]);
      // Synapse starts its transaction ids again at 1; done events stay known.
      await mailbox.store(parseTransaction("1", { events: [first, second] }));
      assert.deepEqual(await takeAll(database, mailbox, LLAMA), [second.event_id]);
    });

    it("counts the waiting mail, its age, and the mail set aside", async () => {
      const { database, mailbox, store } = await make();
      const none = { items: { ready: 0, awaiting_key: 0, set_aside: 0 }, oldestReadySeconds: 0, malformed: 0 };
      assert.deepEqual(await mailbox.backlog(), none);
      await store(membership(LLAMA, "join"), event(), event(), event(), { type: "m.room.message" });
      await database.query("update events set received_at = received_at - interval '1 minute'");
      const lease = await takeLease(database, LLAMA);
      const first = await mailbox.next(lease);
      assert.ok(first !== undefined);
      await mailbox.setAside(lease, first.id, "no good");
      const second = await mailbox.next(lease);
      assert.ok(second !== undefined);
      await mailbox.awaitKey(lease, second, { sessionId: "session" });
      const { oldestReadySeconds, ...rest } = await mailbox.backlog();
      assert.deepEqual(rest, { items: { ready: 2, awaiting_key: 1, set_aside: 1 }, malformed: 1 });
      assert.ok(oldestReadySeconds >= 60 && oldestReadySeconds < 600);
    });

    it("stores a transaction whole or not at all", async () => {
      const database = await open();
      const mailbox = new Mailbox({
        database,
        seals: sealsOf(database),
        noteState: () => Promise.reject(new Error("the database went away")),
        isGhost: () => true,
        log: silentLogger(),
      });
      await assert.rejects(mailbox.store(parseTransaction("1", { events: [null, membership(LLAMA, "join")] })));
      for (const table of ["events", "mailbox", "memberships", "malformed"]) {
        assert.equal((await database.query(`select 1 from ${table}`)).count, 0, table);
      }
    });

    it("counts a try before it is made, and after three strikes sets the item aside and goes on", async () => {
      const { database, mailbox, store } = await make();
      const [join, poison, good] = [membership(LLAMA, "join"), event(), event()];
      await store(join, poison, good);
      const lease = await takeLease(database, LLAMA);
      const item = await mailbox.next(lease);
      assert.ok(item);
      await fenced(database, lease, (tx) => mailbox.done(tx, item));
      // As a process would leave it that ends each time: begun, never done.
      for (let attempt = 0; attempt < 3; attempt++) {
        const taken = await mailbox.next(lease);
        assert.equal(taken?.event.event_id, poison.event_id);
        assert.equal(taken.isSuspect, attempt > 0);
        await mailbox.begin(lease, taken);
      }
      assert.equal((await mailbox.next(lease))?.event.event_id, good.event_id);
      const { rows } = await database.query("select state, reason from mailbox where event_id = $1", [poison.event_id]);
      assert.deepEqual(rows, [{ state: "set_aside", reason: "did not finish in 3 attempts" }]);
    });

    it("gives no strike to an item that the engine had finished when the process ended, but not for ever", async () => {
      const { database, mailbox, store } = await make();
      await store(membership(LLAMA, "join"));
      const lease = await takeLease(database, LLAMA);
      for (let attempt = 0; attempt < 10; attempt++) {
        const item = await mailbox.next(lease);
        assert.ok(item, `attempt ${attempt}`);
        await (await mailbox.begin(lease, item)).survived();
      }
      assert.equal(await mailbox.next(lease), undefined);
      const { rows } = await database.query("select state, reason from mailbox");
      assert.deepEqual(rows, [{ state: "set_aside", reason: "did not finish in 10 attempts" }]);
    });

    it("gives a strike to a failing item, before or after the engine finished it", async () => {
      const { database, mailbox, store } = await make();
      await store(membership(LLAMA, "join"));
      const lease = await takeLease(database, LLAMA);
      for (let attempt = 0; attempt < 3; attempt++) {
        const item = await mailbox.next(lease);
        assert.ok(item, `attempt ${attempt}`);
        const begun = await mailbox.begin(lease, item);
        if (attempt > 0) await begun.survived();
        await begun.failed();
      }
      assert.equal(await mailbox.next(lease), undefined);
    });

    it("does not count a try that was withdrawn", async () => {
      const { database, mailbox, store } = await make();
      await store(membership(LLAMA, "join"));
      const lease = await takeLease(database, LLAMA);
      for (let attempt = 0; attempt < 20; attempt++) {
        const item = await mailbox.next(lease);
        assert.ok(item, `attempt ${attempt}`);
        assert.equal(item.isSuspect, false);
        await (await mailbox.begin(lease, item)).takeBack();
      }
    });

    it("lets an item wait for its key while later ones go on", async () => {
      const { database, mailbox, store } = await make();
      const [join, unreadable, readable] = [membership(LLAMA, "join"), event(), event()];
      await store(join, unreadable, readable);
      const { item, lease } = await takeUntil(mailbox, LLAMA, unreadable.event_id, database);
      assert.equal(item.lateMs, 0);
      await mailbox.awaitKey(lease, item, { sessionId: "session", withheld: "m.unverified" });
      assert.equal((await mailbox.next(lease))?.event.event_id, readable.event_id);
      assert.equal(await mailbox.keysArrived(lease, ["another session"]), 0);
      assert.equal(await mailbox.keysArrived(await takeLease(database, MAX), ["session"]), 0);
      await database.query("update mailbox set waiting_since = waiting_since - interval '1 hour'");
      assert.equal(await mailbox.keysArrived(lease, ["session"]), 1);
      const late = await mailbox.next(lease);
      assert.equal(late?.event.event_id, unreadable.event_id);
      assert.ok(late.lateMs >= 3_600_000 && late.lateMs < 3_660_000, String(late.lateMs));
    });

    it("drops an item that waits for its key when it was deleted, and all items of a room that was left", async () => {
      const { database, mailbox, store } = await make();
      const [join, deleted, waiting] = [membership(LLAMA, "join"), event(), event()];
      await store(join, deleted, waiting);
      for (const { event_id } of [deleted, waiting]) {
        const { item, lease } = await takeUntil(mailbox, LLAMA, event_id, database);
        await mailbox.awaitKey(lease, item, { sessionId: "session" });
      }
      const roomId = deleted.room_id;
      const left = async (): Promise<unknown[]> =>
        (await database.query("select event_id, payload is not null as kept from mailbox join events using (event_id)"))
          .rows;
      await mailbox.forget(database, LLAMA, { roomId: "!other:example.test" });
      await mailbox.forget(database, MAX, { roomId });
      assert.equal((await left()).length, 2);
      await mailbox.forget(database, LLAMA, { roomId, eventId: deleted.event_id });
      assert.deepEqual(await left(), [{ event_id: waiting.event_id, kept: true }]);
      assert.equal((await database.query("select from events where payload is not null")).count, 1);
      await mailbox.forget(database, LLAMA, { roomId });
      assert.deepEqual(await left(), []);
    });

    it("keeps for a ghost an event that is stored while the ghost turns out to be in the room", async () => {
      const database = await open();
      // The embedded database does one transaction after the other.
      if (database.kind === "embedded") return;
      const memberships = new Memberships(database);
      let reconciled: Promise<void> | undefined;
      let isReconciled = false;
      const isWaiting = async (): Promise<boolean> =>
        (await database.query("select from pg_locks where locktype = 'advisory' and not granted")).count > 0;
      const between: Database["transactionWithLast"] = (work, last) =>
        database.transactionWithLast(async (tx) => {
          const made = await work(tx);
          reconciled = memberships.reconcile(LLAMA, [ROOM], new Set()).finally(() => (isReconciled = true));
          await eventually(
            "the ghost's rooms to be known, or to be waited for",
            async () => isReconciled || isWaiting(),
          );
          return made;
        }, last);
      const mailbox = new Mailbox({
        database: { ...database, transactionWithLast: between },
        seals: sealsOf(database),
        noteState: () => Promise.resolve(),
        isGhost: (userId) => userId === LLAMA,
        log: silentLogger(),
      });
      const said = event();
      await mailbox.store(parseTransaction("1", { events: [said] }));
      await reconciled;
      assert.equal((await mailbox.next(await takeLease(database, LLAMA)))?.event.event_id, said.event_id);
    });

    it("gives nothing to a former owner, and lets it change nothing", async () => {
      const { database, mailbox, store } = await make();
      await store(membership(LLAMA, "join"), event());
      const former = await takeLease(database, LLAMA);
      const item = await mailbox.next(former);
      assert.ok(item);
      const latter = await takeLease(database, LLAMA);
      const before = (await database.query("select * from mailbox order by id")).rows;
      await mailbox.begin(former, item);
      await assert.rejects(mailbox.begin(former, item), StaleLease);
      await assert.rejects(mailbox.next(former), StaleLease);
      await assert.rejects(mailbox.awaitKey(former, item, { sessionId: "s" }), StaleLease);
      await assert.rejects(mailbox.keysArrived(former, ["s"]), StaleLease);
      await assert.rejects(mailbox.setAside(former, item.id, "why"), StaleLease);
      await assert.rejects(
        fenced(database, former, (tx) => mailbox.done(tx, item)),
        StaleLease,
      );
      assert.deepEqual((await database.query("select * from mailbox order by id")).rows, before);
      assert.equal((await mailbox.next(latter))?.event.event_id, item.event.event_id);
    });

    it("keeps no payload without a waiting ghost", async () => {
      const { database, mailbox, store } = await make();
      const left = "!left:example.test";
      const past = [membership(LLAMA, "join"), membership(LLAMA, "leave"), event()];
      await store(...past.map((past) => ({ ...past, room_id: left })));
      await takeAll(database, mailbox, LLAMA);
      await store(membership(LLAMA, "join"), membership(MAX, "join"), event());
      const kept = async (): Promise<number> =>
        (await database.query("select 1 from events where payload is not null")).count;
      assert.equal(await kept(), 3);
      await takeAll(database, mailbox, LLAMA);
      assert.equal(await kept(), 2, "Max has not seen two of them");
      await takeAll(database, mailbox, MAX);
      assert.equal(await kept(), 0);
    });

    it("keeps events of unknown rooms, for the ghosts that turn out to be there", async () => {
      const { database, mailbox, store } = await make();
      const [first, own, second] = [
        event({ origin_server_ts: 1 }),
        event({ sender: LLAMA, origin_server_ts: 2 }),
        event({ origin_server_ts: 3 }),
      ];
      const state = event({ type: "m.room.name", state_key: "" });
      await store(first, own, state);
      await store(second);
      await database.transaction((tx) => adoptEvents(tx, LLAMA, [ROOM, "!other:example.test"]));
      assert.deepEqual(await takeAll(database, mailbox, LLAMA), [first.event_id, second.event_id]);
      await database.transaction((tx) => adoptEvents(tx, MAX, [ROOM]));
      assert.deepEqual(await takeAll(database, mailbox, MAX), [first.event_id, own.event_id, second.event_id]);
    });

    it("keeps events of a room with a known invite only, for the ghost that turns out to be there", async () => {
      const { database, mailbox, store } = await make();
      const invite = membership(LLAMA, "invite");
      const said = event();
      await store(invite);
      await store(said);
      assert.deepEqual(await takeAll(database, mailbox, LLAMA), [invite.event_id]);
      await database.transaction((tx) => adoptEvents(tx, LLAMA, [ROOM]));
      assert.deepEqual(await takeAll(database, mailbox, LLAMA), [said.event_id], "and the invite not again");
    });

    it("sets aside anything that is no event, whatever it is", async () => {
      const { database, store } = await make();
      const deep = JSON.parse("[".repeat(4_000) + "]".repeat(4_000)) as unknown;
      await store(null, { event_id: "$nul\0" }, deep, "\ud800\0", event({ event_id: "$half\ud800" }), event());
      assert.equal((await database.query("select 1 from malformed")).count, 5);
      assert.equal((await database.query("select 1 from events")).count, 1);
    });

    it("takes events with any content", async () => {
      const { database, mailbox, store } = await make();
      const join = membership(LLAMA, "join", { displayname: "\0\ud800" });
      const nested = JSON.parse(`${'{"a":'.repeat(90)}1${"}".repeat(90)}`) as Record<string, unknown>;
      const events = [
        event({ content: { body: "\0 \ud800 \udc00", "\0": "\ud800" } }),
        event({ type: "m.room.encrypted", content: { session_id: "\0\ud800", ciphertext: "x".repeat(60_000) } }),
        event({ content: nested, unsigned: { "\0": 1 } }),
        event({ type: "m.room.redaction", content: { redacts: "\0" }, redacts: "$nul\0" }),
        event({ origin_server_ts: 1e300 }),
        event({ content: JSON.parse('{"__proto__": {"msgtype": "m.text"}}') as Record<string, unknown> }),
      ];
      const hostileState = event({ type: "m.room.member", state_key: "@bob:x.y", content: { membership: "\0" } });
      await store(
        join,
        hostileState,
        event({ type: "m.room.name", state_key: "", content: { name: "\0" } }),
        ...events,
      );
      const { item, lease } = await takeUntil(mailbox, LLAMA, events[0]?.event_id ?? "", database);
      assert.deepEqual(item.event.content, events[0]?.content, "kept as it came");
      await fenced(database, lease, (tx) => mailbox.done(tx, item));
      const encrypted = await mailbox.next(lease);
      assert.ok(encrypted);
      const sessionId = String(encrypted.event.content["session_id"]);
      await mailbox.awaitKey(lease, encrypted, { sessionId, withheld: "\0\ud800" });
      assert.equal(await mailbox.keysArrived(lease, ["\0\ud800"]), 1);
      assert.equal((await takeAll(database, mailbox, LLAMA)).length, events.length - 1);
    });

    it("forgets mail that was handled long ago, and none that still waits", async () => {
      const { database, mailbox, store } = await make();
      await store(membership(LLAMA, "join"), event(), null);
      const lease = await takeLease(database, LLAMA);
      const item = await mailbox.next(lease);
      assert.ok(item);
      await fenced(database, lease, (tx) => mailbox.done(tx, item));
      assert.equal(await mailbox.prune(90), 0);
      for (const table of ["events", "malformed"]) {
        await database.query(`update ${table} set received_at = received_at - interval '91 days'`);
      }
      await store(event({ room_id: "!elsewhere:example.test" }));
      assert.equal(await mailbox.prune(90), 2);
      assert.ok(await mailbox.next(lease), "a waiting item is kept, however old");
      assert.equal((await database.query("select from events")).count, 2);
    });

    it("holds only so much mail of a sender, and of a server: the newest, for all agents together", async () => {
      const { database, store } = await make();
      await store(membership(LLAMA, "join"), membership(MAX, "join"));
      const held = async (sender = "%"): Promise<string[]> => {
        const { rows } = await database.query<{ event_id: string }>(
          `select distinct event_id from mailbox join events using (event_id)
           where state <> 'ready' and sender like $1 order by event_id`,
          [sender],
        );
        return rows.map((row) => row.event_id);
      };
      let time = 0;
      const hold = async (sender: string, size = 10): Promise<string> => {
        const said = event({ sender, content: { text: "x".repeat(size) } });
        await store(said);
        await database.query("update mailbox set state = 'set_aside' where event_id = $1", [said.event_id]);
        await database.query("update events set received_at = now() + $2 * interval '1 second' where event_id = $1", [
          said.event_id,
          ++time,
        ]);
        return said.event_id;
      };
      const quotas = { sender: { events: 3, bytes: 20_000 }, server: { events: 5, bytes: 1_000_000 } };
      const eve = [];
      for (let n = 0; n < 3; n++) eve.push(await hold("@eve:evil.test"));
      assert.equal(await dropBeyondQuota(database, eve[0] ?? "", quotas), 0);
      eve.push(await hold("@eve:evil.test"));
      assert.equal(await dropBeyondQuota(database, eve[3] ?? "", quotas), 2, "one event, of two agents");
      assert.deepEqual(await held(), eve.slice(1).toSorted());
      const { rows } = await database.query("select from events where payload is not null and event_id = $1", [eve[0]]);
      assert.equal(rows.length, 0, "it is known, and holds nothing");
      assert.deepEqual((await store(event({ event_id: eve[0] ?? "" }))).mail, [], "nor is it taken again");

      await hold("@eve:evil.test", 8_000);
      const large = await hold("@eve:evil.test", 8_000);
      await dropBeyondQuota(database, large, quotas);
      assert.deepEqual(await held(), [large], "by bytes");

      // Another user of her server has one, and keeps it, however many she has under other names.
      const mallory = await hold("@mallory:evil.test");
      const alice = await hold("@alice:example.test");
      let last = "";
      for (let n = 0; n < 3; n++) last = await hold("@eve:evil.test");
      for (let n = 0; n < 3; n++) last = await hold("@eve2:evil.test");
      await dropBeyondQuota(database, last, quotas);
      assert.equal((await held("%:evil.test")).length, 5);
      assert.ok((await held()).includes(mallory));
      assert.ok((await held()).includes(alice));
      assert.equal((await held("@eve2:%")).length, 2, "the oldest of the sender with the most go");
    });

    it("holds no more than that, however it was stored, and counts the items that it drops", async () => {
      const { database, store } = await make();
      const dropped: number[] = [];
      const metrics = {
        mail: { inc: ({ outcome }: { outcome: string }, by = 1) => outcome === "dropped" && dropped.push(by) },
      };
      const mailbox = new Mailbox({
        database,
        seals: sealsOf(database),
        noteState: () => Promise.resolve(),
        isGhost: () => true,
        log: silentLogger(),
        metrics: metrics as never,
      });
      await store(membership(LLAMA, "join"));
      const lease = await takeLease(database, LLAMA);
      const join = await mailbox.next(lease);
      assert.ok(join);
      await fenced(database, lease, (tx) => mailbox.done(tx, join));
      const { events } = HELD_QUOTAS.sender;
      for (let n = 0; n < events + 4; n++) {
        await store(event({ type: "m.room.encrypted", content: { session_id: `s${n}` } }));
        const item = await mailbox.next(lease);
        assert.ok(item);
        if (n % 2 === 0) await mailbox.awaitKey(lease, item, { sessionId: `s${n}` });
        else await mailbox.setAside(lease, item.id, "why");
      }
      assert.equal((await database.query("select from mailbox")).count, events);
      assert.equal(dropped.length, 4);
      assert.equal(await mailbox.keysArrived(lease, ["s0"]), 0, "the oldest is gone");
    });

    it("gives up items that waited a month for their key or were set aside for a quarter, with the notice", async () => {
      const { database, mailbox, store } = await make();
      await store(membership(LLAMA, "join"), event(), event());
      await database.query("delete from mailbox where id = (select min(id) from mailbox)");
      await database.query(
        `update mailbox set state = 'awaiting_key', session_id = 's', waiting_since = now()
         where id = (select min(id) from mailbox)`,
      );
      await database.query("update mailbox set state = 'set_aside' where state = 'ready'");
      await database.query(
        "insert into key_notices (room_id, session_id, ghost, sender) values ($1, 's', $2, '@a:b')",
        [ROOM, LLAMA],
      );
      const states = async (): Promise<unknown[]> =>
        (await database.query<{ state: string }>("select state from mailbox order by id")).rows.map((row) => row.state);
      const later = async (days: number): Promise<void> => {
        await database.query("update events set received_at = received_at - $1 * interval '1 day'", [days]);
        await database.query("update mailbox set waiting_since = waiting_since - $1 * interval '1 day'", [days]);
        await database.query("update key_notices set created_at = created_at - $1 * interval '1 day'", [days]);
      };
      await later(29);
      assert.equal(await mailbox.prune(90), 0);
      await database.query("update key_notices set created_at = now() - interval '91 days'");
      assert.equal(await pruneKeyNotices(database, 90), 0, "not while something waits");
      await later(2);
      assert.equal(await mailbox.prune(90), 1);
      assert.deepEqual(await states(), ["set_aside"]);
      assert.equal(await pruneKeyNotices(database, 90), 1);
      await later(60);
      assert.ok((await mailbox.prune(90)) > 0);
      assert.deepEqual(await states(), []);
      assert.equal((await database.query("select from events where payload is not null and not is_state")).count, 0);
    });

    it("keeps the newest of many parts that are no events", async () => {
      const { database, mailbox } = await make();
      const junk = Array.from({ length: 100 }, () => null);
      for (let n = 0; n < 11; n++) await mailbox.store(parseTransaction(`junk${n}`, { events: junk }));
      const { rows } = await database.query<{ count: number; least: number }>(
        "select count(*)::integer as count, min(id)::integer as least from malformed",
      );
      assert.deepEqual(rows[0], { count: 1_000, least: 101 });
    });

    it("keeps only the beginning of a huge malformed part", async () => {
      const { database, store } = await make();
      await store({ event_id: "$huge", filler: "😀".repeat(200_000) });
      const found = await database.query<{ raw: string; reason: string; sealed_by: number }>("select * from malformed");
      const { rows, open: unsealed } = await sealsOf(database).open(found.rows);
      assert.match(rows[0]?.reason ?? "", /^event: /);
      const raw = rows[0] && unsealed(rows[0], rows[0].raw, "malformed.raw");
      assert.ok(raw !== undefined && raw.length <= 65_536 && raw.startsWith('{"event_id":"$huge"'));
    });

    it("holds the hundred events of a full transaction for fifty ghosts, in order", async () => {
      const { database, mailbox, store } = await make();
      const ghosts = Array.from({ length: 50 }, (_, index) => `@agent_${index}:example.test`);
      await store(...ghosts.map((ghost) => membership(ghost, "join")));
      const events = Array.from({ length: 100 }, () => event());
      assert.equal((await store(...events)).mail.length, ghosts.length);
      const { count } = await database.query("select 1 from mailbox");
      assert.equal(count, ghosts.length * (events.length + 1));
      const last = ghosts.at(-1) ?? "";
      assert.deepEqual(
        (await takeAll(database, mailbox, last)).slice(1),
        events.map(({ event_id }) => event_id),
      );
    });

    it("does nothing for an empty transaction", async () => {
      const { database, mailbox } = await make();
      assert.deepEqual(await mailbox.store(parseTransaction("1", { events: [] })), { mail: [], wakeUps: [] });
      assert.deepEqual(await mailbox.ghostsWithMail(await addProcess(database)), []);
    });

    it("knows which ghosts have mail, and leaves out those whose items wait or were set aside", async () => {
      const { database, mailbox, store } = await make();
      const self = await addProcess(database);
      await store(membership(LLAMA, "join"), membership(MAX, "invite", { is_direct: true }));
      assert.deepEqual((await mailbox.ghostsWithMail(self)).sort(), [LLAMA, MAX]);
      const [llama, max] = [await takeLease(database, LLAMA), await takeLease(database, MAX)];
      const [first, second] = [await mailbox.next(llama), await mailbox.next(max)];
      assert.ok(first && second);
      await mailbox.awaitKey(llama, first, { sessionId: "s" });
      await mailbox.setAside(max, second.id, "why");
      assert.deepEqual(await mailbox.ghostsWithMail(self), []);
    });

    it("names to a process only ghosts that it has or could have", async () => {
      const { database, mailbox, store } = await make();
      await store(membership(LLAMA, "join"));
      const options = { expireAfterMs: 60_000, log: silentLogger() };
      const [self, other] = [await Processes.join(database, options), await Processes.join(database, options)];
      const lease = await acquireLease(database, LLAMA, other.self);
      assert.deepEqual(await mailbox.ghostsWithMail(self.self), []);
      assert.deepEqual(await mailbox.ghostsWithMail(other.self), [LLAMA]);
      await releaseLease(database, lease);
      assert.deepEqual(await mailbox.ghostsWithMail(self.self), [LLAMA]);
      await acquireLease(database, LLAMA, other.self);
      await other.leave();
      assert.deepEqual(await mailbox.ghostsWithMail(self.self), [LLAMA]);
      await self.leave();
    });

    it("keeps whether an invite was to a direct chat, through the join and until the next invite", async () => {
      const { database, store } = await make();
      const direct = async (): Promise<unknown> => (await database.query("select direct from memberships")).rows[0];
      await store(membership(LLAMA, "invite", { is_direct: true }), membership(LLAMA, "join"));
      assert.deepEqual(await direct(), { direct: true });
      await store(membership(LLAMA, "leave"), membership(LLAMA, "invite", { is_direct: "true" }));
      assert.deepEqual(await direct(), { direct: false });
      await store(membership(LLAMA, "leave"), membership(LLAMA, "invite", { is_direct: true }));
      await store(membership(LLAMA, "join"));
      // A homeserver can invent one for members of the room.
      await store(membership(LLAMA, "invite"));
      assert.deepEqual(await direct(), { direct: true });
    });

    it("lets a ghost in a room go on hearing, whatever invite arrives late", async () => {
      const { mailbox, database, store } = await make();
      const [join, late, inOne, after] = [membership(LLAMA, "join"), membership(LLAMA, "invite"), event(), event()];
      await store(join);
      await store(late, inOne);
      await store(after);
      const taken = await takeAll(database, mailbox, LLAMA);
      assert.deepEqual(
        taken,
        [join, late, inOne, after].map(({ event_id }) => event_id),
      );
    });

    it("wakes named ghosts, and loaded ghosts that share a room with somebody whose devices changed", async () => {
      const { database, mailbox, store } = await make();
      await store(membership(LLAMA, "join"));
      await database.query("insert into room_members (room_id, user_id, membership) values ($1, '@bob:x.y', 'join')", [
        ROOM,
      ]);
      const other = "@agent_away:example.test";
      await store(membership(other, "join"));
      await takeLease(database, LLAMA);
      const push = { to_device: [{ to_user_id: MAX, to_device_id: "D" }], device_lists: { changed: ["@bob:x.y"] } };
      const arrivals = await mailbox.store(parseTransaction("9", { events: [], ...push }));
      assert.deepEqual([...arrivals.wakeUps].sort(), [LLAMA, MAX]);
      assert.deepEqual(arrivals.mail, []);
    });
  });
});

/** Takes the ghost over, and takes and finishes items until the one with this id is taken. */
async function takeUntil(
  mailbox: Mailbox,
  ghost: string,
  eventId: string,
  database: Database,
): Promise<{ item: MailItem; lease: Lease }> {
  const lease = await takeLease(database, ghost);
  for (let item = await mailbox.next(lease); item !== undefined; item = await mailbox.next(lease)) {
    const taken: MailItem = item;
    if (taken.event.event_id === eventId) return { item: taken, lease };
    await fenced(database, lease, (tx) => mailbox.done(tx, taken));
  }
  throw new Error(`${eventId} is not in the mailbox`);
}
