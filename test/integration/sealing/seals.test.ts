import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Forgetting } from "../../../src/memory/forgetting.ts";
import { History } from "../../../src/memory/history.ts";
import type { RememberedMessage } from "../../../src/memory/remembered-message.ts";
import { Retention } from "../../../src/memory/retention.ts";
import type { Database } from "../../../src/database/database.ts";
import { Outbox } from "../../../src/ghost/outbox.ts";
import { parseTransaction } from "../../../src/homeserver/transaction.ts";
import { Mailbox } from "../../../src/mailbox/mailbox.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { Rooms } from "../../../src/rooms/rooms.ts";
import { RoomSettingsStore } from "../../../src/rooms/settings-store.ts";
import { MasterKey } from "../../../src/sealing/master-key.ts";
import { confirmSealed, sealExisting, unsealedRows, UnsealedRows } from "../../../src/sealing/seal-existing.ts";
import { SEALED_TABLES, Seals } from "../../../src/sealing/seals.ts";
import { Exchanges } from "../../../src/turns/exchanges.ts";
import { TurnStore } from "../../../src/turns/turn-store.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { dumpOf } from "../../support/database-dump.ts";
import { takeLease } from "../../support/lease.ts";
import { NotSealed } from "../../../src/sealing/sealed-text.ts";
import { Summaries } from "../../../src/memory/summaries.ts";
import { othersSealsOf, sealsOf } from "../../support/seals.ts";

const LLAMA = "@agent_llama:example.test";
const MAX = "@agent_max:example.test";
const ROOM = "!room:example.test";
const OTHER = "!other:example.test";
const ALICE = "@alice:example.test";
const CANARY = "canary";
const DAY_MS = 86_400_000;

function said(eventId: string, fields: Partial<RememberedMessage> = {}): RememberedMessage {
  const body = `${CANARY} ${eventId}`;
  return {
    eventId,
    author: "person",
    sender: ALICE,
    speaker: "Alice",
    body,
    sentAt: Date.now(),
    encrypted: false,
    ...fields,
  };
}

async function bodies(database: Database, ghost = LLAMA, room = ROOM): Promise<string[]> {
  const all = await new History(database, sealsOf(database)).upTo(ghost, room, Number.MAX_SAFE_INTEGER, 100);
  return all.map(({ body }) => body);
}

async function keysOf(database: Database): Promise<string[]> {
  const { rows } = await database.query<{ key: string }>(
    "select concat_ws(' ', ghost, room_id, case period when '' then 'lasting' else 'day' end) as key from sealing_keys order by key",
  );
  return rows.map(({ key }) => key);
}

/** One of each thing that holds words, in an agent's memory and on its way. */
async function fill(database: Database): Promise<void> {
  const seals = sealsOf(database);
  const mailbox = new Mailbox({
    database,
    seals,
    noteState: () => Promise.resolve(),
    isGhost: (userId) => userId === LLAMA,
    log: silentLogger(),
  });
  const event = (id: string, fields: object): object => ({
    event_id: id,
    room_id: ROOM,
    sender: ALICE,
    origin_server_ts: 1,
    ...fields,
  });
  const join = event("$join", { type: "m.room.member", state_key: LLAMA, content: { membership: "join" } });
  const message = event("$in", { type: "m.room.message", content: { body: `${CANARY} in the mailbox` } });
  await mailbox.store(parseTransaction("1", { events: [join, message, { malformed: CANARY }] }));
  const lease = await takeLease(database, LLAMA);
  await new Outbox(database, seals).store(lease, {
    txnId: "t",
    roomId: ROOM,
    eventType: "m.room.message",
    content: JSON.stringify({ body: CANARY }),
  });
  const history = new History(database, seals);
  await database.transaction(async (tx) => {
    const position = await history.remember(tx, LLAMA, ROOM, {
      ...said("$question"),
      attachment: {
        kind: "text",
        name: `${CANARY}.txt`,
        mimetype: "text/plain",
        url: `mxc://a/${CANARY}`,
        size: 1,
      } as never,
    });
    await new RoomSettingsStore(database, seals).set(
      tx,
      { ghost: LLAMA, roomId: ROOM, by: ALICE, encrypted: false },
      "system",
      CANARY,
    );
    await new Exchanges(database, seals).begin(tx, { roomId: ROOM, origin: "$question" }, ALICE, {
      topic: CANARY,
      participants: [LLAMA],
      length: 2,
      encrypted: false,
    });
    await new TurnStore(database, seals).decline(
      tx,
      {
        ghost: LLAMA,
        roomId: ROOM,
        eventId: "$question",
        asker: ALICE,
        position,
        threadRoot: undefined,
        origin: "$question",
        hops: 0,
        encrypted: false,
      },
      { outcome: "failed", failure: "full", messages: [{ content: { body: CANARY } }] },
    );
  });
}

/** The tables whose rows are always sealed. */
const CONSTRAINED: ReadonlySet<string> = new Set([
  "read_files",
  "turn_steps",
  "call_files",
  "reminders",
  "tool_sign_ins",
  "sign_in_attempts",
  "tool_clients",
]);

forEachDatabase((kind, open) => {
  describe("the stored words of conversations", () => {
    it("are read again, and none of them shows in a dump", async () => {
      const database = await open();
      await fill(database);
      const seals = sealsOf(database);
      assert.ok(!(await dumpOf(database)).includes(CANARY));
      assert.deepEqual(await bodies(database), [`${CANARY} $question`]);
      assert.equal((await new RoomSettingsStore(database, seals).get(LLAMA, ROOM)).system, CANARY);
      const exchange = await new Exchanges(database, seals).get({ roomId: ROOM, origin: "$question" });
      assert.equal(exchange?.discussion?.topic, CANARY);
      assert.deepEqual(
        await keysOf(database),
        ["  day", ` ${ROOM} day`, `${LLAMA} ${ROOM} day`, `${LLAMA} ${ROOM} lasting`].sort(),
      );
    });

    it("are opened only in their own place: nobody can move them to another message", async () => {
      const database = await open();
      const history = new History(database, sealsOf(database));
      for (const id of ["$a", "$b"]) await history.remember(database, LLAMA, ROOM, said(id));
      await database.query(
        "update messages set body = (select body from messages where event_id = '$a') where event_id = '$b'",
      );
      // The others are read all the same.
      assert.deepEqual(await bodies(database), [`${CANARY} $a`]);
      const lease = await takeLease(database, LLAMA);
      await fill(database);
      await database.query("update events set payload = 'rubbish' where event_id = '$in'");
      await database.query("update turns set reply = 'rubbish', state = 'sending'");
      await database.query("update room_settings set value = 'rubbish'");
      const mailbox = new Mailbox({
        database,
        seals: sealsOf(database),
        noteState: () => Promise.resolve(),
        isGhost: () => true,
        log: silentLogger(),
      });
      const held = await takeLease(database, LLAMA);
      assert.notDeepEqual(held, lease);
      for (let item = await mailbox.next(held); item; item = await mailbox.next(held)) {
        assert.notEqual(item.event.event_id, "$in");
        await database.transaction((tx) => mailbox.done(tx, item));
      }
      assert.equal((await database.query("select from mailbox where state = 'set_aside'")).count, 1);
      const { rows } = await database.query<{ owner: number }>("select owner from leases");
      assert.deepEqual((await new TurnStore(database, sealsOf(database)).queue.due(rows[0]?.owner ?? 0)).turns, []);
      assert.deepEqual((await database.query("select state from turns")).rows, [{ state: "failed" }]);
      assert.equal((await new RoomSettingsStore(database, sealsOf(database)).get(LLAMA, ROOM)).system, undefined);
    });

    it("have a key of their own for each agent and room", async () => {
      const database = await open();
      const history = new History(database, sealsOf(database));
      for (const [ghost, room] of [
        [LLAMA, ROOM],
        [LLAMA, OTHER],
        [MAX, ROOM],
      ] as const)
        await history.remember(database, ghost, room, said(`${ghost}${room}`));
      assert.equal((await database.query("select distinct sealed_by from messages")).rows.length, 3);
      await database.transaction((tx) => new Forgetting(database, sealsOf(database)).room(tx, LLAMA, ROOM));
      assert.deepEqual(await keysOf(database), [`${LLAMA} ${OTHER} day`, `${MAX} ${ROOM} day`]);
      assert.deepEqual(await bodies(database, LLAMA, OTHER), [`${CANARY} ${LLAMA}${OTHER}`]);
      // The next message gets a new key.
      await history.remember(database, LLAMA, ROOM, said("$next"));
      assert.deepEqual(await bodies(database), [`${CANARY} $next`]);
    });

    // The embedded database has one connection: nobody adds anything meanwhile.
    if (kind === "postgres")
      it("are destroyed with their key, whoever is adding to them at the time", async () => {
        const database = await open();
        const history = new History(database, sealsOf(database));
        await history.remember(database, LLAMA, ROOM, said("$before"));
        const added = Promise.withResolvers<undefined>();
        const commit = Promise.withResolvers<undefined>();
        const adding = database.transaction(async (tx) => {
          await history.remember(tx, LLAMA, ROOM, said("$meanwhile"));
          added.resolve(undefined);
          await commit.promise;
        });
        await added.promise;
        const forgetting = database.transaction((tx) =>
          new Forgetting(database, sealsOf(database)).room(tx, LLAMA, ROOM),
        );
        commit.resolve(undefined);
        await Promise.all([adding, forgetting]);
        assert.deepEqual(await bodies(database), []);
        assert.deepEqual(await keysOf(database), []);
      });

    it("are sealed only by the operator after an earlier version has left them unsealed", async () => {
      const database = await open();
      await fill(database);
      const before = { bodies: await bodies(database) };
      const clear = JSON.stringify({
        event_id: "$in",
        room_id: ROOM,
        sender: ALICE,
        type: "m.room.message",
        origin_server_ts: 7,
        content: { body: CANARY },
      });
      for (const sql of [
        `update messages set body = '${before.bodies[0]}', attachment = '{"name":"${CANARY}"}', sealed_by = null`,
        `update room_settings set value = '${CANARY}', sealed_by = null`,
        `update exchanges set topic = '${CANARY}', sealed_by = null`,
        `update turns set reply = '{"outcome":"failed","messages":[{"content":{"body":"${CANARY}"}}]}', sealed_by = null`,
        `update sends set content = '{"body":"${CANARY}"}', sealed_by = null`,
        `update malformed set raw = '${CANARY}', sealed_by = null`,
        `update events set payload = '${clear}', sealed_by = null, type = null, sender = null where event_id = '$in'`,
        `insert into summaries (ghost, room_id, thread_root, up_to, body) values ('${LLAMA}', '${ROOM}', '', 1, '${CANARY}')`,
        "delete from sealing_keys",
      ])
        await database.query(sql);
      const seals = othersSealsOf(database);
      await assert.rejects(confirmSealed(database, seals, silentLogger()), UnsealedRows);
      assert.ok((await dumpOf(database)).includes(CANARY), "nothing seals it by itself");
      assert.equal(await sealExisting(database, seals), 8);
      await confirmSealed(database, seals, silentLogger());
      assert.ok(!(await dumpOf(database)).includes(CANARY));
      assert.deepEqual(await bodies(database), before.bodies);
      assert.equal((await new RoomSettingsStore(database, seals).get(LLAMA, ROOM)).system, CANARY);
      assert.equal(
        (await new Exchanges(database, seals).get({ roomId: ROOM, origin: "$question" }))?.discussion?.topic,
        CANARY,
      );
      const lease = await takeLease(database, LLAMA);
      assert.match((await new Outbox(database, seals).find(LLAMA, "t"))?.content ?? "", /canary/);
      const mailbox = new Mailbox({
        database,
        seals,
        noteState: () => Promise.resolve(),
        isGhost: () => true,
        log: silentLogger(),
      });
      const items = [];
      for (let item = await mailbox.next(lease); item; item = await mailbox.next(lease)) {
        items.push(item.event);
        await database.transaction((tx) => mailbox.done(tx, item));
      }
      assert.deepEqual(items.at(-1)?.content, { body: CANARY });
      const { rows } = await database.query(
        "select type, sender, is_state, sent_at from events where event_id = '$in'",
      );
      assert.deepEqual(rows, [{ type: "m.room.message", sender: ALICE, is_state: false, sent_at: 7 }]);
    });

    it("are never those that somebody has written into the database, in any table, even when the bridge starts again", async () => {
      const database = await open();
      await fill(database);
      const seals = sealsOf(database);
      await confirmSealed(database, seals, silentLogger());
      const PLANTED = "planted words";
      const event = { event_id: "$in", room_id: ROOM, sender: ALICE, type: "m.room.message", origin_server_ts: 7 };
      for (const sql of [
        `update messages set body = '${PLANTED}', sealed_by = null`,
        `update room_settings set value = '${PLANTED}', sealed_by = null`,
        `update exchanges set topic = '${PLANTED}', sealed_by = null`,
        `update turns set reply = '{"outcome":"answered","messages":[{"content":{"body":"${PLANTED}"}}]}', sealed_by = null`,
        `update sends set content = '{"body":"${PLANTED}"}', sealed_by = null`,
        `update malformed set raw = '${PLANTED}', sealed_by = null`,
        `update events set payload = '${JSON.stringify({ ...event, content: { body: PLANTED } })}', sealed_by = null
         where event_id = '$in'`,
        `insert into summaries (ghost, room_id, thread_root, up_to, body) values ('${LLAMA}', '${ROOM}', '', 1, '${PLANTED}')`,
      ]) {
        await database.query(sql);
      }
      const planted = await unsealedRows(database);
      assert.deepEqual(
        planted.map(({ table }) => table).sort(),
        // A constraint keeps these from holding rows without a seal.
        SEALED_TABLES.filter((table) => !CONSTRAINED.has(table)).sort(),
      );
      // As at the next start, which must neither fail nor seal it.
      await confirmSealed(database, seals, silentLogger());
      assert.deepEqual(await unsealedRows(database), planted);
      assert.deepEqual(await bodies(database), []);
      assert.equal((await new RoomSettingsStore(database, seals).get(LLAMA, ROOM)).system, undefined);
      assert.equal(await new Exchanges(database, seals).get({ roomId: ROOM, origin: "$question" }), undefined);
      const summaries = new Summaries(database, seals, new History(database, seals), silentLogger());
      assert.equal(await summaries.get({ ghost: LLAMA, roomId: ROOM, threadRoot: undefined }), undefined);
      const lease = await takeLease(database, LLAMA);
      const { rows: leases } = await database.query("select owner from leases");
      assert.equal(await new Outbox(database, seals).find(LLAMA, "t"), undefined);
      assert.deepEqual((await new TurnStore(database, seals).queue.due(Number(leases[0]?.["owner"]))).turns, []);
      const { rows: turns } = await database.query("select state, failure from turns");
      assert.deepEqual(turns, [{ state: "failed", failure: "damaged" }]);
      const mailbox = new Mailbox({
        database,
        seals,
        noteState: () => Promise.resolve(),
        isGhost: () => true,
        log: silentLogger(),
      });
      const read: string[] = [];
      for (let item = await mailbox.next(lease); item; item = await mailbox.next(lease)) {
        read.push(item.event.event_id);
        await database.transaction((tx) => mailbox.done(tx, item));
      }
      assert.ok(!read.includes("$in"));
      const { rows: aside } = await database.query("select state from mailbox where event_id = '$in'");
      assert.deepEqual(aside, [{ state: "set_aside" }]);
      await assert.rejects(
        seals
          .open([{ sealed_by: null }])
          .then(({ open: unseal }) => unseal({ sealed_by: null }, PLANTED, "messages.body")),
        NotSealed,
      );
      // Somebody who removes the record that all was sealed, or writes another one, gets no start, and nothing sealed.
      for (const sql of [
        "delete from settings where name = 'all_sealed'",
        "insert into settings (name, value) values ('all_sealed', 'true')",
        "update settings set value = (select sealing_keys.id || ' ' || wrapped from sealing_keys limit 1) where name = 'all_sealed'",
        "update settings set value = '999 AAAA' where name = 'all_sealed'",
      ]) {
        await database.query(sql);
        await assert.rejects(confirmSealed(database, seals, silentLogger()), UnsealedRows, sql);
      }
      assert.deepEqual(
        await unsealedRows(database),
        planted.filter(({ table }) => table !== "turns"),
      );
    });

    it("are all read, however few keys are kept in memory", async () => {
      const database = await open({ sealed: false });
      process.env["TEST_FEW_KEYS"] = "cd".repeat(32);
      const master = await MasterKey.open({ from: "env", name: "TEST_FEW_KEYS" }, database);
      const settings = new RoomSettingsStore(database, new Seals(database, master, silentLogger(), { maxOpened: 2 }));
      const found = new Map<string, string | undefined>();
      for (const ghost of ["@agent_a:x", "@agent_b:x", "@agent_c:x", "@agent_d:x"]) {
        await database.transaction((tx) =>
          settings.set(tx, { ghost, roomId: ROOM, by: ALICE, encrypted: false }, "system", ghost),
        );
      }
      const seals = new Seals(database, master, silentLogger(), { maxOpened: 2 });
      const { rows } = await database.query<{ ghost: string; value: string; sealed_by: number }>(
        "select ghost, value, sealed_by from room_settings order by ghost",
      );
      for (const part of [rows.slice(0, 2), rows, rows]) {
        const opened = await seals.open(part);
        assert.equal(opened.rows.length, part.length);
        for (const row of opened.rows)
          found.set(row.ghost, opened.open(row, row.value, "room_settings.value", row.ghost, ROOM, "system"));
      }
      assert.ok(found.size === 4 && [...found].every(([ghost, value]) => ghost === value));
    });

    it("keep yesterday's keys for processes that may still seal with them", async () => {
      const database = await open();
      const history = new History(database, sealsOf(database));
      await history.remember(database, LLAMA, ROOM, said("$a"));
      await database.query("delete from messages");
      const age = (days: number): Promise<unknown> =>
        database.query(
          "update sealing_keys set period = to_char((now() - make_interval(days => $1)) at time zone 'utc', 'YYYY-MM-DD')",
          [days],
        );
      await age(1);
      assert.equal(await sealsOf(database).prune(), 0);
      await age(2);
      assert.equal(await sealsOf(database).prune(), 1);
    });

    it("leave no unused key behind, except today's", async () => {
      const database = await open();
      const history = new History(database, sealsOf(database));
      await history.remember(database, LLAMA, ROOM, said("$a"));
      await history.remember(database, LLAMA, OTHER, said("$b"));
      await history.remember(database, MAX, ROOM, said("$c"));
      await database
        .query("update sealing_keys set period = '2026-01-01' where room_id = $1", [ROOM])
        .catch(() => undefined);
      await database.query("delete from messages where event_id in ('$a', '$b')");
      assert.equal(await sealsOf(database).prune(), 1);
      assert.deepEqual(await keysOf(database), [`${LLAMA} ${OTHER} day`, `${MAX} ${ROOM} day`]);
    });
  });

  describe("a message that is too old", () => {
    it("is forgotten together with its answer and its summary, as the admin or the room says, whichever is shorter", async () => {
      const database = await open();
      const seals = sealsOf(database);
      const history = new History(database, seals);
      const rooms = new Rooms(database, silentLogger());
      const mailbox = new Mailbox({
        database,
        seals,
        noteState: () => Promise.resolve(),
        isGhost: () => true,
        log: silentLogger(),
      });
      const retention = (maxAgeMs: number | undefined): Retention =>
        new Retention({
          rooms,
          forgetting: new Forgetting(database, seals),
          mailbox,
          maxAgeMs: () => maxAgeMs,
          read: () => Promise.reject(new Error("the homeserver is away")),
          log: silentLogger(),
        });
      const now = Date.now();
      const ago = (days: number): number => now - days * DAY_MS;
      for (const [room, lifetime] of [
        [ROOM, 3 * DAY_MS],
        [OTHER, undefined],
      ] as const) {
        await rooms.view(room, () =>
          Promise.resolve([
            {
              type: "m.room.retention",
              state_key: "",
              sender: "@alice:example.test",
              content: { max_lifetime: lifetime },
            },
          ]),
        );
        for (const days of [20, 5, 1]) {
          const position = await history.remember(
            database,
            LLAMA,
            room,
            said(`$${days}${room}`, { sentAt: ago(days) }),
          );
          await history.remember(database, LLAMA, room, {
            ...said(`$answer${days}${room}`, { sentAt: now, author: "agent" }),
            answers: position,
          });
        }
        await database.query(
          "insert into summaries (ghost, room_id, thread_root, up_to, body) values ($1, $2, '', 1000000, 'x')",
          [LLAMA, room],
        );
      }
      const left = async (room: string): Promise<string[]> =>
        (await bodies(database, LLAMA, room)).map((body) => body.replaceAll(room, "").replace("canary $", ""));
      assert.equal(await retention(undefined).run(now), 4);
      assert.deepEqual(
        [await left(ROOM), await left(OTHER)],
        [
          ["1", "answer1"],
          ["20", "answer20", "5", "answer5", "1", "answer1"],
        ],
      );
      assert.deepEqual((await database.query("select room_id from summaries")).rows, [{ room_id: OTHER }]);
      assert.equal(await retention(10 * DAY_MS).run(now), 2);
      assert.deepEqual(
        [await left(ROOM), await left(OTHER)],
        [
          ["1", "answer1"],
          ["5", "answer5", "1", "answer1"],
        ],
      );
    });

    it("is not forgotten by a room's earlier setting", async () => {
      const database = await open();
      const seals = sealsOf(database);
      const history = new History(database, seals);
      const rooms = new Rooms(database, silentLogger());
      const says = (days: number) => () =>
        Promise.resolve([
          {
            type: "m.room.retention",
            state_key: "",
            sender: "@alice:example.test",
            content: { max_lifetime: days * DAY_MS },
          },
        ]);
      await rooms.view(ROOM, says(1));
      await history.remember(database, LLAMA, ROOM, said("$kept", { sentAt: Date.now() - 5 * DAY_MS }));
      await database.query("update rooms set changes = changes + 1");
      const mailbox = new Mailbox({
        database,
        seals,
        noteState: () => Promise.resolve(),
        isGhost: () => true,
        log: silentLogger(),
      });
      const run = async (read: (roomId: string) => Promise<void>): Promise<number> =>
        new Retention({
          rooms,
          forgetting: new Forgetting(database, seals),
          mailbox,
          maxAgeMs: () => undefined,
          read,
          log: silentLogger(),
        }).run();
      assert.equal(await run(() => Promise.reject(new Error("away"))), 0);
      assert.equal(
        await run(async (roomId) => {
          await rooms.view(roomId, says(365));
        }),
        0,
      );
      await database.query("update rooms set changes = changes + 1");
      assert.equal(
        await run(async (roomId) => {
          await rooms.view(roomId, says(1));
        }),
        1,
      );
    });

    it("is as old as the day on which it came, whatever its sender's clock said", async () => {
      const database = await open();
      const seals = sealsOf(database);
      const history = new History(database, seals);
      await history.remember(database, LLAMA, ROOM, said("$future", { sentAt: Date.now() + 900 * DAY_MS }));
      const forgetting = new Forgetting(database, seals);
      assert.equal(await forgetting.expired(ROOM, new Date()), 0);
      assert.equal(await forgetting.expired(ROOM, new Date(Date.now() + 2 * DAY_MS)), 1);
      assert.deepEqual(await bodies(database), []);
    });
  });
});
