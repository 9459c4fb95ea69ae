import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { AuditLog } from "../../../src/audit/audit-log.ts";
import type { Database } from "../../../src/database/database.ts";
import type { GhostServices } from "../../../src/ghost/ghost-services.ts";
import { asDevice, withoutDevice } from "../../../src/ghost/device/device-access.ts";
import type { GhostAccount } from "../../../src/ghost/ghost-account.ts";
import { KnownMembers } from "../../../src/ghost/known-members.ts";
import { Outbox } from "../../../src/ghost/outbox.ts";
import { ClearTextRefused, Sender } from "../../../src/ghost/sender.ts";
import { createHomeserverClient } from "../../../src/homeserver/client.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { createMetrics } from "../../../src/observability/metrics.ts";
import { Rooms } from "../../../src/rooms/rooms.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { takeLease } from "../../support/lease.ts";
import { sealsOf } from "../../support/seals.ts";

const LLAMA = "@agent_llama:example.test";
const ROOM = "!room:example.test";

/** A ghost's sender whose homeserver says that the room is unencrypted, whatever was sent in it. */
async function make(database: Database, t: TestContext, { hasDevice = true } = {}) {
  const homeserver = await startHomeserver(t);
  const client = createHomeserverClient({ url: homeserver.url, asToken: "t", log: silentLogger() });
  t.after(() => client.close());
  const metrics = createMetrics(() => undefined);
  const lease = await takeLease(database, LLAMA);
  const services = {
    database,
    client,
    metrics,
    audit: new AuditLog(database),
    rooms: new Rooms(database, silentLogger()),
    outbox: new Outbox(database, sealsOf(database)),
    knownMembers: new KnownMembers(database),
    mode: "allow",
    log: silentLogger(),
  } as unknown as GhostServices;
  const access = asDevice({ userId: LLAMA, deviceId: "DEVICE" });
  const account = {
    load: () =>
      Promise.resolve(
        hasDevice
          ? { lease, access, device: { deviceId: "DEVICE", catchUp: () => Promise.resolve() } }
          : { lease, access: withoutDevice(LLAMA), device: undefined },
      ),
  } as unknown as GhostAccount;
  const sender = new Sender(LLAMA, services, account, new AbortController().signal);
  return { sender, homeserver, metrics };
}

/** A homeserver that knows no room's state, and answers sends as a test says. */
async function startHomeserver(t: TestContext) {
  const homeserver = {
    url: "",
    sent: [] as string[],
    answer: { status: 200, body: { event_id: "$sent" } as object },
    /** The events of the room's timeline. */
    timeline: [] as object[],
  };
  const server = createServer((request, response) => {
    const { method = "", url = "" } = request;
    const isSend = method === "PUT" && url.includes("/send/");
    if (isSend) homeserver.sent.push(url);
    const found = url.includes("/messages") ? { chunk: homeserver.timeline } : [];
    const { status, body } = isSend ? homeserver.answer : { status: 200, body: found };
    request.resume().on("end", () => response.writeHead(status).end(JSON.stringify(body)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => new Promise((closed) => server.close(closed)));
  homeserver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return homeserver;
}

forEachDatabase((_kind, open) => {
  describe("an event that may leave only encrypted", () => {
    it("is not sent unencrypted, whatever the homeserver says of the room; that is counted and noted", async (t) => {
      const database = await open();
      const { sender, homeserver, metrics } = await make(database, t);
      const secret = { roomId: ROOM, type: "m.room.message", content: { body: "the secret" }, step: "a" };
      for (const step of ["a", "b"]) {
        await assert.rejects(sender.send({ ...secret, step }, { form: "encrypted" }), ClearTextRefused);
      }
      assert.deepEqual(homeserver.sent, []);
      assert.deepEqual((await database.query("select * from sends")).rows, []);
      assert.match(await metrics.text(), /sends_total\{encrypted="no",outcome="refused"\} 2/);
      const { rows } = await database.query("select kind, details from audit_log");
      assert.deepEqual(
        rows.map(({ kind, details }) => [kind, JSON.parse(String(details)) as unknown]),
        [["clear_text.refused", { ghost: LLAMA, room: ROOM }]],
      );
    });

    it("is not sent in an unencrypted form that was stored before either; events without the mark go as the room is", async (t) => {
      const database = await open();
      const { sender, homeserver } = await make(database, t);
      homeserver.answer = { status: 403, body: { errcode: "M_FORBIDDEN", error: "no" } };
      const event = { roomId: ROOM, type: "m.room.message", content: { body: "hello" }, step: "a" };
      await assert.rejects(sender.send(event, { form: "of_room" }), /M_FORBIDDEN|403/);
      assert.equal(homeserver.sent.length, 1);
      homeserver.answer = { status: 200, body: { event_id: "$sent" } };
      await assert.rejects(sender.send(event, { form: "encrypted" }), ClearTextRefused);
      assert.equal(homeserver.sent.length, 1);
      assert.equal(await sender.send(event, { form: "of_room" }), "$sent");
    });
  });

  describe("an event of a ghost without a device", () => {
    const event = { roomId: ROOM, type: "m.room.message", content: { body: "hello" }, step: "a" };
    const arrived = { event_id: "$arrived", type: event.type, content: event.content, origin_server_ts: Date.now() };

    it("is searched in the room before it is sent again, because a server that restarts forgets its id", async (t) => {
      const { sender, homeserver } = await make(await open(), t, { hasDevice: false });
      homeserver.answer = { status: 502, body: {} };
      homeserver.timeline = [arrived];
      assert.equal(await sender.send(event, { form: "of_room" }), "$arrived");
      assert.equal(homeserver.sent.length, 1);
    });

    it("is searched too where another process had stored it", async (t) => {
      const database = await open();
      const { sender, homeserver } = await make(database, t, { hasDevice: false });
      homeserver.answer = { status: 403, body: { errcode: "M_FORBIDDEN", error: "no" } };
      await assert.rejects(sender.send(event, { form: "of_room" }), /M_FORBIDDEN/);
      homeserver.timeline = [arrived];
      assert.equal(await sender.send(event, { form: "of_room" }), "$arrived");
      assert.equal(homeserver.sent.length, 1);
    });

    it("names no device, and goes once where it is taken", async (t) => {
      const { sender, homeserver } = await make(await open(), t, { hasDevice: false });
      assert.equal(await sender.send(event, { form: "of_room" }), "$sent");
      assert.deepEqual(
        homeserver.sent.map((url) => url.includes("device_id")),
        [false],
      );
    });
  });
});
