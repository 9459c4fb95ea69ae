import assert from "node:assert/strict";
import { before, describe, it, type TestContext } from "node:test";
import { initAsync, RequestType } from "@matrix-org/matrix-sdk-crypto-wasm";
import { pino } from "pino";
import { AuditLog } from "../../../src/audit/audit-log.ts";
import { KeyedSerial } from "../../../src/concurrency/serial.ts";
import { Semaphore } from "../../../src/concurrency/semaphore.ts";
import { createCryptoStore } from "../../../src/crypto/store/crypto-store.ts";
import type { Database } from "../../../src/database/database.ts";
import type { EventHandler } from "../../../src/ghost/event-handler.ts";
import { DeviceMaker } from "../../../src/ghost/device/device-maker.ts";
import { Ghost } from "../../../src/ghost/ghost.ts";
import type { GhostServices } from "../../../src/ghost/ghost-services.ts";
import { GhostStore } from "../../../src/ghost/ghost-store.ts";
import { Memberships } from "../../../src/mailbox/memberships.ts";
import { GhostHalted } from "../../../src/ghost/halted.ts";
import { KnownMembers } from "../../../src/ghost/known-members.ts";
import { MissingKeys } from "../../../src/ghost/missing-keys.ts";
import type { NoticeWriter } from "../../../src/ghost/notice-writer.ts";
import type { Outcome } from "../../../src/ghost/outcome.ts";
import { Outbox } from "../../../src/ghost/outbox.ts";
import type { GhostMessage } from "../../../src/ghost/received.ts";
import { TrustNotices } from "../../../src/ghost/trust-notices.ts";
import { createHomeserverClient } from "../../../src/homeserver/client.ts";
import { HomeserverUnreachable } from "../../../src/homeserver/errors.ts";
import { parseTransaction } from "../../../src/homeserver/transaction.ts";
import { wordsIn } from "../../../src/language/languages.ts";
import { acquireLease } from "../../../src/leases/leases.ts";
import { Processes } from "../../../src/leases/processes.ts";
import { Mailbox } from "../../../src/mailbox/mailbox.ts";
import { silentLogger, type Logger } from "../../../src/observability/log.ts";
import { Bans } from "../../../src/permissions/bans.ts";
import { InviteQuota } from "../../../src/permissions/invite-quota.ts";
import { Permissions } from "../../../src/permissions/permissions.ts";
import { Rooms } from "../../../src/rooms/rooms.ts";
import { RoomSettingsStore } from "../../../src/rooms/settings-store.ts";
import { CryptoClient } from "../../support/crypto-client.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { eventually } from "../../support/eventually.ts";
import { addProcess, takeLease } from "../../support/lease.ts";
import { masterKeyOf, sealsOf } from "../../support/seals.ts";
import { SimulatedHomeserver } from "../../support/simulated-homeserver.ts";
import type { KeyRequest } from "../../support/simulated-key-server.ts";

const LLAMA = "@agent_llama:example.test";
const ALICE = "@alice:example.test";
const MALLORY = "@mallory:evil.test";
const ROOM = "!room:example.test";

/**
 * A ghost on a database, with a homeserver in memory: all parts are real except the one that decides the outcome of a
 * message.
 */
class World {
  readonly database: Database;
  readonly server: SimulatedHomeserver;
  readonly ghost: Ghost;
  readonly mailbox: Mailbox;
  readonly store: GhostStore;
  /** The words that were handed over, as often as they were. */
  readonly heard: string[] = [];
  readonly lateMs: number[] = [];
  readonly left: string[] = [];
  /** The effects of committed outcomes. */
  readonly followed: string[] = [];
  /** The ghosts that turned out to belong to another process. */
  readonly elsewhere: string[] = [];
  /** Runs while a message is handled. */
  handles: (body: string) => Promise<void> = () => Promise.resolve();
  /** Runs after the outcome of a message is committed. */
  follows: (body: string) => void = () => undefined;
  /** The error lines of the log. */
  readonly errors: string[] = [];
  #count = 0;

  constructor(
    database: Database,
    { server, url, process }: { readonly server: SimulatedHomeserver; readonly url: string; readonly process: number },
    t: TestContext,
  ) {
    this.database = database;
    this.server = server;
    const log: Logger = pino(
      { level: "error" },
      { write: (line: string) => void this.errors.push((JSON.parse(line) as { msg: string }).msg) },
    );
    const client = createHomeserverClient({ url, asToken: "t", log });
    t.after(() => client.close());
    const rooms = new Rooms(database, log);
    const seals = sealsOf(database);
    const isGhost = (userId: string): boolean => userId === LLAMA;
    this.mailbox = new Mailbox({
      database,
      seals,
      noteState: (tx, events, options) => rooms.note(tx, events, options),
      isGhost,
      log,
    });
    this.store = new GhostStore(database);
    const outbox = new Outbox(database, seals);
    const services: GhostServices = {
      database,
      audit: new AuditLog(database),
      client,
      process,
      mailbox: this.mailbox,
      rooms,
      roomSettings: new RoomSettingsStore(database, seals),
      store: this.store,
      memberships: new Memberships(database),
      outbox,
      missingKeys: new MissingKeys({
        database,
        seals,
        client,
        outbox,
        tellAfterMs: 600_000,
        isGhost,
        notices: NOTICES,
      }),
      trustNotices: new TrustNotices(database),
      knownMembers: new KnownMembers(database),
      cryptoStore: createCryptoStore(database, log),
      deviceMaker: new DeviceMaker(client, log),
      masterKey: masterKeyOf(database),
      handler: this.#handler(),
      notices: NOTICES,
      loadedAtOnce: new Semaphore(1),
      loading: new Semaphore(1),
      syncing: new Semaphore(1),
      joining: new KeyedSerial(),
      suspects: new Semaphore(1),
      loaded: () => undefined,
      unneeded: () => undefined,
      elsewhere: (userId) => void this.elsewhere.push(userId),
      profileOf: () => undefined,
      mode: "default",
      forgetKeysAfterMs: undefined,
      verification: "operator",
      trustIn: () => ({ send: "unverified", read: "unverified" }),
      permissions: new Permissions({
        settings: () => ACCESS,
        botUserId: "@agents:example.test",
        bans: () => new Bans(),
      }),
      isGhost,
      invites: new InviteQuota(database, () => ACCESS.permissions),
      words: () => wordsIn("en"),
      log,
    };
    this.ghost = new Ghost(LLAMA, false, services);
    t.after(() => this.ghost.stop());
  }

  /** Stores events as the homeserver pushes them, and wakes the ghost. Returns their ids. */
  async push(...events: readonly object[]): Promise<string[]> {
    const whole = events.map((event) => ({
      event_id: `$event${++this.#count}`,
      room_id: ROOM,
      sender: ALICE,
      origin_server_ts: Date.now(),
      ...event,
    }));
    await this.mailbox.store(parseTransaction(String(this.#count), { events: whole }));
    this.ghost.actor.wake();
    return whole.map((event) => event.event_id);
  }

  say(...bodies: readonly string[]): Promise<string[]> {
    return this.push(...bodies.map((body) => ({ type: "m.room.message", content: { msgtype: "m.text", body } })));
  }

  /** The ghost is in the room. */
  async enter(): Promise<void> {
    const state = [LLAMA, ALICE].map((user) => ({
      type: "m.room.member",
      state_key: user,
      sender: user,
      event_id: `$member of ${user}`,
      content: { membership: "join" },
    }));
    this.server.state.set(ROOM, state);
    this.server.joined.set(LLAMA, new Set([ROOM]));
    await this.push({ type: "m.room.member", state_key: LLAMA, sender: LLAMA, content: { membership: "join" } });
    await this.ghost.actor.settled();
  }

  /** The state and reason of the items still in the mailbox. */
  async waiting(): Promise<string[]> {
    const { rows } = await this.database.query<{ state: string; attempts: number }>(
      "select state, attempts from mailbox order by id",
    );
    return rows.map(({ state, attempts }) => `${state} ${attempts}`);
  }

  /** The data that outcomes have stored. */
  async stored(): Promise<string[]> {
    const { rows } = await this.database.query<{ value: string }>(
      "select value from settings where name like 'heard %' order by value",
    );
    return rows.map(({ value }) => value);
  }

  #handler(): EventHandler {
    const nothing = (): Promise<Outcome> => Promise.resolve({});
    return {
      message: async (_ghost, { eventId, content, lateMs }: GhostMessage) => {
        const body = String(content.body);
        this.heard.push(body);
        this.lateMs.push(lateMs);
        await this.handles(body);
        return {
          store: async (tx) => {
            await tx.query("insert into settings (name, value) values ($1, $2)", [`heard ${eventId}`, body]);
          },
          after: () => {
            this.followed.push(body);
            this.follows(body);
          },
        };
      },
      reaction: nothing,
      redacted: nothing,
      joined: () => Promise.resolve(),
      left: (_ghost, roomId) => {
        this.left.push(roomId);
        return Promise.resolve({});
      },
    };
  }
}

const NOTICES = {
  unheard: () => Promise.resolve(undefined),
  distrusted: () => Promise.resolve(undefined),
} as unknown as NoticeWriter;

const ACCESS = {
  access: { users: ["@*:example.test"], ignore: [], admins: [] },
  permissions: {
    users: new Map(),
    servers: new Map(),
    rooms: new Map(),
    agents: new Map(),
    commands: {},
    maxRoomMembers: undefined,
    invitesPerDay: { user: undefined, server: undefined },
    banLists: [],
  },
};

before(() => initAsync());

forEachDatabase((_kind, open) => {
  async function make(t: TestContext): Promise<World> {
    const database = await open();
    const server = new SimulatedHomeserver();
    const { url, close } = await server.listen();
    t.after(close);
    return new World(database, { server, url, process: await addProcess(database) }, t);
  }

  describe("a ghost's actor", () => {
    it("hands its mail over in order, stores the outcome, and only then goes on", async (t) => {
      const world = await make(t);
      await world.enter();
      world.handles = async (body) => {
        if (body !== "one") assert.deepEqual(world.followed.at(-1), world.heard.at(-2), "earlier mail is done");
        await Promise.resolve();
      };
      await world.say("one", "two", "three");
      await world.ghost.actor.settled();
      assert.deepEqual(world.heard, ["one", "two", "three"]);
      assert.deepEqual(world.followed, ["one", "two", "three"]);
      assert.deepEqual(await world.stored(), ["one", "three", "two"]);
      assert.deepEqual(await world.waiting(), []);
    });

    it("tries a failing item by itself three times, sets it aside, and goes on with the rest", async (t) => {
      const world = await make(t);
      await world.enter();
      world.handles = (body) =>
        body === "bad" ? Promise.reject(new TypeError("a mistake of ours")) : Promise.resolve();
      await world.say("bad", "good");
      await world.ghost.actor.settled();
      assert.deepEqual(world.heard, ["bad", "bad", "bad", "good"]);
      assert.deepEqual(await world.stored(), ["good"]);
      assert.deepEqual(world.followed, ["good"]);
      assert.deepEqual(await world.waiting(), ["set_aside 3"]);
    });

    it("counts no attempt against a committed item, and goes on, when the work after it fails", async (t) => {
      const world = await make(t);
      await world.enter();
      world.follows = (body) => {
        if (body === "one") throw new TypeError("a mistake of ours");
      };
      await world.say("one", "two");
      await world.ghost.actor.settled();
      assert.deepEqual(world.heard, ["one", "two"]);
      assert.deepEqual(world.followed, ["one", "two"]);
      assert.deepEqual(await world.stored(), ["one", "two"]);
      assert.deepEqual(await world.waiting(), []);
      assert.deepEqual(world.errors, ["the work after a handled event failed"]);
    });

    it("counts no attempt against an item that could not be handled for now, and comes back to it", async (t) => {
      const world = await make(t);
      await world.enter();
      let isAway = true;
      world.handles = () =>
        isAway ? Promise.reject(new HomeserverUnreachable("PUT /x", "ECONNREFUSED", "refused")) : Promise.resolve();
      await world.say("one", "two");
      await world.ghost.actor.settled();
      assert.deepEqual(await world.waiting(), ["ready 0", "ready 0"]);
      isAway = false;
      await eventually("the rest to be heard", () => world.followed.length === 2);
      assert.deepEqual(world.followed, ["one", "two"]);
    });

    it("stores nothing under a lost lease, and handles its mail again once it has another lease", async (t) => {
      const world = await make(t);
      await world.enter();
      world.handles = async () => {
        // By a process that gives no sign of life afterwards.
        if (world.heard.length === 1) await takeLease(world.database, LLAMA);
      };
      await world.say("hello");
      await eventually("it to be handled", () => world.followed.length > 0);
      assert.deepEqual(world.heard, ["hello", "hello"]);
      assert.deepEqual(world.followed, ["hello"], "no later step follows an outcome that was not stored");
      assert.deepEqual(await world.stored(), ["hello"]);
      assert.deepEqual(world.elsewhere, []);
    });

    it("stays stopped, where it is stopped while it unloads its state under a lost lease", async (t) => {
      const world = await make(t);
      await world.enter();
      const { database, ghost } = world;
      const query = database.query.bind(database);
      let stopped: Promise<void> | undefined;
      world.handles = async () => {
        await takeLease(database, LLAMA);
        t.mock.method(database, "query", (...asked: Parameters<Database["query"]>) => {
          if (asked[0].startsWith("update leases set owner = null")) stopped ??= ghost.stop();
          return query(...asked);
        });
      };
      await world.say("hello");
      await eventually("the ghost to be stopped", () => stopped !== undefined);
      await stopped;
      ghost.actor.wake();
      await ghost.actor.settled();
      assert.deepEqual(world.heard, ["hello"]);
      assert.ok(!ghost.actor.isLoaded);
    });

    it("leaves its mail to the process that has taken the ghost over", async (t) => {
      const world = await make(t);
      await world.enter();
      const other = await Processes.join(world.database, { expireAfterMs: 60_000, log: silentLogger() });
      t.after(() => other.leave());
      world.handles = async () => {
        await acquireLease(world.database, LLAMA, other.self);
      };
      await world.say("hello");
      await eventually("the ghost to be left", () => world.elsewhere.length > 0);
      assert.deepEqual(world.elsewhere, [LLAMA]);
      assert.deepEqual([await world.stored(), world.followed], [[], []]);
      assert.equal((await world.waiting()).length, 1);
      assert.ok(!world.ghost.actor.isLoaded);
    });

    it("halts when its device is gone, keeps its mail, and goes on with a new one", async (t) => {
      const world = await make(t);
      await world.enter();
      const { deviceId } = await world.ghost.fingerprint();
      world.server.answers = ({ device }) =>
        device === deviceId
          ? { status: 400, body: { errcode: "M_UNKNOWN_DEVICE", error: "no such device" } }
          : undefined;
      world.ghost.actor.requestSync();
      await world.ghost.actor.settled();
      await world.say("are you there?");
      await assert.rejects(world.ghost.hold(), GhostHalted);
      assert.deepEqual(world.heard, []);
      assert.deepEqual(await world.waiting(), ["ready 0"]);
      await world.database.query("update ghosts set renew = true");
      await world.ghost.actor.reload();
      await eventually("the question to be heard", () => world.followed.length === 1);
      assert.notEqual((await world.ghost.fingerprint()).deviceId, deviceId);
    });

    it("reads its /sync and marks its store once where it is loaded to catch up, and again when it is loaded", async (t) => {
      const world = await make(t);
      await world.enter();
      await world.ghost.fingerprint();
      await world.ghost.actor.putAway();
      assert.ok(!world.ghost.actor.isLoaded);
      const { server } = world;
      const marks = "PUT /user/" + LLAMA + "/account_data/org.matrix-agents.store";
      const counts = (): number[] => [server.called("GET /sync").length, server.called(marks).length];
      server.calls.length = 0;
      world.ghost.actor.requestSync();
      await world.ghost.actor.settled();
      await world.ghost.mark();
      assert.deepEqual(counts(), [1, 1]);
      world.ghost.actor.requestSync();
      await world.ghost.actor.settled();
      assert.deepEqual(counts(), [2, 1]);
    });

    it("lets a message without a key wait, goes on with the rest, and hands it over when the key comes", async (t) => {
      const world = await make(t);
      await world.enter();
      await world.ghost.fingerprint();
      const { keys } = world.server;
      const held: KeyRequest[] = [];
      const alice = await CryptoClient.open(
        { user: ALICE, device: "ALICEDEVICE" },
        {
          request: (request) => {
            if (request.type !== RequestType.ToDevice)
              return Promise.resolve(JSON.stringify(keys.handle(ALICE, "ALICEDEVICE", request)));
            held.push(request);
            return Promise.resolve("{}");
          },
          sync: (since) => Promise.resolve(keys.sync(ALICE, "ALICEDEVICE", since)),
        },
      );
      await alice.sync();
      const content = JSON.parse(await alice.encrypt(ROOM, [ALICE, LLAMA], "late")) as object;
      await world.push({ type: "m.room.encrypted", content });
      await world.say("in time");
      await eventually("the rest to be heard", () => world.followed.length === 1);
      await world.ghost.actor.settled();
      assert.deepEqual(world.heard, ["in time"]);
      assert.deepEqual(await world.waiting(), ["awaiting_key 0"]);
      for (const request of held) keys.handle(ALICE, "ALICEDEVICE", request);
      world.ghost.actor.requestSync();
      await eventually("the late one to be heard", () => world.followed.length === 2);
      assert.deepEqual(world.heard, ["in time", "late"]);
      assert.ok((world.lateMs[1] ?? 0) > 0);
      assert.deepEqual(await world.waiting(), []);
    });

    it("declines an invite by somebody who may not use it, with the reason, and accepts others", async (t) => {
      const world = await make(t);
      const invite = (sender: string, roomId: string): object => ({
        type: "m.room.member",
        state_key: LLAMA,
        sender,
        room_id: roomId,
        content: { membership: "invite" },
      });
      await world.push(invite(MALLORY, "!evil:evil.test"), invite(ALICE, ROOM));
      await eventually("both to be answered", async () => (await world.waiting()).length === 0);
      await world.ghost.actor.settled();
      assert.deepEqual(
        world.server.called("POST /rooms/").map(({ call, body }) => [call, body]),
        [["POST /rooms/!evil:evil.test/leave", { reason: wordsIn("en").invites.noAccess }]],
      );
      assert.deepEqual(
        world.server.called("POST /join/").map(({ call }) => call),
        [`POST /join/${ROOM}`],
      );
    });

    it("forgets its waiting mail of a room that it has left, and tells its handler", async (t) => {
      const world = await make(t);
      await world.enter();
      world.server.joined.clear();
      await world.push({ type: "m.room.member", state_key: LLAMA, content: { membership: "leave" } });
      await world.ghost.actor.settled();
      assert.deepEqual(world.left, [ROOM]);
      await world.say("hello?");
      await world.ghost.actor.settled();
      assert.deepEqual(world.heard, []);
    });
  });
});
