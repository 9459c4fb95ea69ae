import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pauseAgent, resumeAgent } from "../../../src/agents/pauses.ts";
import { FailureNotices } from "../../../src/answering/failure-notices.ts";
import { ReminderClock } from "../../../src/answering/reminder-clock.ts";
import type { Limits } from "../../../src/config/config.ts";
import type { Database } from "../../../src/database/database.ts";
import { HomeserverUnreachable, UnexpectedAnswer } from "../../../src/homeserver/errors.ts";
import { wordsIn } from "../../../src/language/languages.ts";
import { History } from "../../../src/memory/history.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { MOST_REMINDERS, Reminders, type WantedReminder } from "../../../src/reminders/reminders.ts";
import { Allowances } from "../../../src/turns/allowances.ts";
import { TurnStore } from "../../../src/turns/turn-store.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { sealsOf } from "../../support/seals.ts";

const LLAMA = "@agent_llama:example.test";
const ROOM = "!room:example.test";
const ALICE = "@alice:example.test";
const HERE = { ghost: LLAMA, roomId: ROOM };
const NO_LIMITS: Limits = { user: {}, room: {}, server: {}, agent: {} };
const DAILY = { kind: "weekly", days: [1, 2, 3, 4, 5, 6, 7], minute: 540 } as const;

forEachDatabase((_kind, open) => {
  async function make({ limits = NO_LIMITS }: { limits?: Limits } = {}) {
    const database = await open();
    const seals = sealsOf(database);
    const reminders = new Reminders(database, seals);
    await database.query("insert into memberships (ghost, room_id, membership, direct) values ($1, $2, 'join', true)", [
      LLAMA,
      ROOM,
    ]);
    const history = new History(database, seals);
    const state = {
      isOn: true,
      isThere: true,
      isPermitted: true,
      isStillOn: true,
      isAway: false,
      unreadable: /^$/,
      queued: 0,
    };
    const clock = (): ReminderClock =>
      new ReminderClock({
        database,
        reminders,
        history,
        turns: new TurnStore(database, seals),
        allowances: new Allowances(database, () => limits),
        permissions: { allows: () => state.isPermitted },
        rooms: { isJoined: () => Promise.resolve(state.isThere), speaker: () => Promise.resolve("Alice") },
        refresh: (roomId) => {
          if (state.isAway) return Promise.reject(new HomeserverUnreachable("GET", "ECONNREFUSED", "away"));
          const isRefused = state.unreadable.test(roomId);
          return isRefused ? Promise.reject(new UnexpectedAnswer("GET", "no JSON")) : Promise.resolve();
        },
        language: { words: () => Promise.resolve(wordsIn("en")) },
        notices: new FailureNotices(() => undefined),
        isOn: () => state.isOn,
        isStillOn: () => state.isStillOn,
        queued: () => state.queued++,
        log: silentLogger(),
      });
    const add = async (more: Partial<WantedReminder> = {}) => {
      const reminder = await reminders.add(
        {
          ...HERE,
          threadRoot: undefined,
          owner: ALICE,
          encrypted: true,
          madeBy: "1 call",
          words: "sum up this room",
          recurrence: DAILY,
          zone: "Europe/Berlin",
          ...more,
        },
        Date.now(),
      );
      assert.ok(reminder !== undefined);
      return reminder;
    };
    return { database, seals, reminders, history, state, clock, add };
  }

  /** Makes all reminders due. */
  async function makeDue(database: Database, ago = "1 minute"): Promise<void> {
    await database.query(`update reminders set next_at = now() - interval '${ago}'`);
  }

  async function turns(database: Database) {
    const { rows } = await database.query<{ event_id: string; asker: string; state: string; failure: string | null }>(
      "select event_id, asker, state, came_encrypted from turns order by id",
    );
    return rows;
  }

  describe("reminders", () => {
    it("are stored sealed, once for the call that makes them, and found in their room", async () => {
      const { database, reminders, add } = await make();
      const first = await add();
      assert.equal((await add()).id, first.id);
      await add({ roomId: "!other:example.test", madeBy: "2 call" });
      const { rows } = await database.query<{ body: string }>("select body from reminders");
      assert.equal(rows.length, 2);
      assert.ok(rows.every(({ body }) => !body.includes("sum up")));
      const found = await reminders.of(HERE);
      assert.deepEqual(
        found.map(({ words, recurrence, zone, nextAt }) => ({ words, recurrence, zone, nextAt })),
        [{ words: "sum up this room", recurrence: DAILY, zone: "Europe/Berlin", nextAt: first.nextAt }],
      );
    });

    it("have their owner's rights only where the words were surely her own", async () => {
      const { database, reminders, clock, add } = await make();
      await add({ owner: "@sure:example.test", madeBy: "1 call", isAuthentic: true });
      await add({ owner: "@unsure:example.test", madeBy: "2 call" });
      await add({ owner: "@clear:example.test", madeBy: "3 call", isAuthentic: true, encrypted: false });
      assert.deepEqual(
        (await reminders.of(HERE)).map(({ isAuthentic }) => isAuthentic),
        [true, undefined, true],
      );
      await makeDue(database);
      await clock().look();
      const { rows } = await database.query("select asker, asked_encrypted from turns order by asker");
      assert.deepEqual(rows, [
        { asker: "@clear:example.test", asked_encrypted: false },
        { asker: "@sure:example.test", asked_encrypted: true },
        { asker: "@unsure:example.test", asked_encrypted: false },
      ]);
    });

    it("wait while their agent is paused, and ask once when it goes on", async () => {
      const { database, clock, add } = await make();
      await add();
      await makeDue(database, "3 days");
      await pauseAgent(database, LLAMA, "local:office");
      assert.ok((await clock().look()) > 100, "it is no reason to look again at once");
      assert.deepEqual(await turns(database), []);
      await resumeAgent(database, LLAMA, "local:office");
      await clock().look();
      assert.equal((await turns(database)).length, 1);
    });

    it("ask their question once, however many processes look, and come again", async () => {
      const { database, reminders, history, state, clock, add } = await make();
      const { id } = await add();
      assert.ok((await clock().look()) > 0);
      assert.deepEqual(await turns(database), []);
      await makeDue(database);
      await Promise.all(Array.from({ length: 4 }, () => clock().look()));
      const [turn, ...others] = await turns(database);
      assert.equal(others.length, 0);
      assert.match(turn?.event_id ?? "", new RegExp(`^reminder ${id} \\d+$`));
      assert.equal(turn?.asker, ALICE);
      assert.equal(turn.state, "queued");
      const [said] = await history.upTo(LLAMA, ROOM, Number.MAX_SAFE_INTEGER, 10);
      assert.equal(said?.body, "⏰ sum up this room");
      assert.equal(said.encrypted, true);
      assert.ok(state.queued >= 1);
      const [again] = await reminders.of(HERE);
      assert.ok((again?.nextAt ?? 0) > Date.now());
    });

    it("ask once after a long stop", async () => {
      const { database, clock, add } = await make();
      await add();
      await makeDue(database, "40 days");
      await clock().look();
      await clock().look();
      assert.equal((await turns(database)).length, 1);
    });

    it("that come once are over then, and go", async () => {
      const { database, reminders, clock, add } = await make();
      await add({ recurrence: { kind: "once", wall: Date.now() + 86_400_000 } });
      await makeDue(database);
      await clock().look();
      assert.equal((await turns(database)).length, 1);
      assert.deepEqual(await reminders.of(HERE), []);
      assert.equal(await reminders.prune(), 1);
    });

    it("are refused where their time is over, or a person has too many", async () => {
      const { reminders, add } = await make();
      for (let nth = 0; nth < MOST_REMINDERS; nth++) await add({ madeBy: `${nth} call` });
      await assert.rejects(add({ madeBy: "one more" }));
      await add({ madeBy: "of another one", owner: "@bob:example.test" });
      assert.equal((await reminders.of(HERE)).length, MOST_REMINDERS + 1);
      // Many at once find no more places than there are.
      const wanted = Array.from({ length: MOST_REMINDERS + 10 }, (_, nth) =>
        add({ madeBy: `${nth} at once`, owner: "@dave:example.test" }),
      );
      const outcomes = await Promise.allSettled(wanted);
      assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, MOST_REMINDERS);
      await assert.rejects(
        add({
          madeBy: "past",
          owner: "@carol:example.test",
          recurrence: { kind: "once", wall: Date.now() - 2 * 86_400_000 },
        }),
      );
    });

    it("ask the room when their owner has left, go on with a new one, and else end in a week", async () => {
      const { database, reminders, state, clock, add } = await make();
      const { id } = await add();
      state.isThere = false;
      await makeDue(database);
      await clock().look();
      await clock().look();
      const all = await turns(database);
      assert.deepEqual(
        all.map((turn) => turn.state),
        ["sending"],
      );
      const [waiting] = await reminders.of(HERE);
      assert.ok(waiting !== undefined);
      assert.equal(waiting.nextAt, undefined);
      assert.equal(await reminders.prune(), 0);
      await database.transaction((tx) => reminders.adopt(tx, waiting, "@bob:example.test", Date.now()));
      const [adopted] = await reminders.of(HERE);
      assert.equal(adopted?.owner, "@bob:example.test");
      assert.ok((adopted.nextAt ?? 0) > Date.now());
      await database.query("update reminders set next_at = null, ownerless_since = now() - interval '8 days'");
      assert.equal(await reminders.prune(), 1);
      assert.equal(await database.transaction((tx) => reminders.cancel(tx, HERE, id)), false);
    });

    it("leave out what comes while the admin has taken them away from the agent", async () => {
      const { database, reminders, state, clock, add } = await make();
      await add();
      await makeDue(database);
      state.isStillOn = false;
      await clock().look();
      assert.deepEqual(await turns(database), []);
      assert.ok(((await reminders.of(HERE))[0]?.nextAt ?? 0) > Date.now());
    });

    it("wait while their room can't be read", async () => {
      const { database, state, clock, add } = await make();
      await add();
      await makeDue(database);
      state.isAway = true;
      await clock().look();
      assert.deepEqual(await turns(database), []);
      state.isAway = false;
      await clock().look();
      assert.equal((await turns(database)).length, 1);
    });

    it("are held up by no others whose rooms can't be read, and not looked for without a pause", async () => {
      const { database, state, clock, add } = await make();
      for (let nth = 0; nth < 3; nth++)
        for (let of = 0; of < 15; of++) await add({ roomId: `!${nth}:example.test`, madeBy: `${nth} ${of}` });
      state.unreadable = /^!\d/;
      await makeDue(database, "1 hour");
      await add({ madeBy: "last" });
      await database.query("update reminders set next_at = now() where made_by = 'last'");
      assert.ok((await clock().look()) > 0);
      assert.equal((await turns(database)).length, 1);
      state.isAway = true;
      assert.ok((await clock().look()) > 0);
      state.isAway = false;
      state.unreadable = /^$/;
      await clock().look();
      assert.equal((await turns(database)).length, 46);
    });

    it("count against their owner's limits, and say so", async () => {
      const { database, clock, add } = await make({ limits: { ...NO_LIMITS, user: { requests: 1 } } });
      await add({ madeBy: "1 call" });
      await add({ madeBy: "2 call" });
      await makeDue(database);
      await clock().look();
      assert.deepEqual((await turns(database)).map(({ state }) => state).toSorted(), ["queued", "sending"]);
    });

    it("end where their owner may not use the agent any more, and rest while the admin has turned them off", async () => {
      const { database, reminders, state, clock, add } = await make();
      await add();
      await makeDue(database);
      state.isOn = false;
      await clock().look();
      assert.equal((await reminders.of(HERE)).length, 1);
      state.isOn = true;
      state.isPermitted = false;
      await clock().look();
      assert.deepEqual(await turns(database), []);
      assert.deepEqual(await reminders.of(HERE), []);
    });

    it("go when the agent leaves the room", async () => {
      const { database, seals, reminders, add } = await make();
      await add();
      await database.transaction((tx) => seals.destroy(tx, { ...HERE, isLasting: true }));
      assert.deepEqual(await reminders.of(HERE), []);
    });
  });
});
