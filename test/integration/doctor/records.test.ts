import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import express from "express";
import { askBridge, serveDoctor } from "../../../src/doctor/endpoint.ts";
import { readRecords } from "../../../src/doctor/records.ts";
import { RecentPings } from "../../../src/homeserver/recent-pings.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { freePort } from "../../support/free-port.ts";

const TOKEN = "the-hs-token";

describe("the database's records for doctor", () => {
  forEachDatabase((kind, open) => {
    it("are its version, encoding, size, migrations, and no words", async () => {
      const database = await open();
      const records = await readRecords(database);
      assert.equal(records.kind, kind);
      assert.ok(records.versionNumber >= 140_000);
      assert.equal(records.encoding, "UTF8");
      assert.ok(records.bytes > 1_000_000);
      assert.equal(records.tables.length, 3);
      assert.equal(records.migrations[0], "0001_initial.sql");
      assert.deepEqual(records.state, {
        ghosts: [],
        paused: [],
        mailbox: { ready: 0, awaitingKey: 0, setAside: 0, refused: 0, malformed: 0 },
        oldestReadySeconds: null,
        setAsideToDevice: 0,
        unsealedRows: 0,
        roomsMarkedByMessage: 0,
        signIns: new Map(),
        processes: 0,
        masterKeyCheck: records.state?.masterKeyCheck,
      });
    });

    it("count waiting and set-aside mail, and name the agents' keys", async () => {
      const database = await open();
      await database.query(
        `insert into ghosts (user_id, device_id, device_made, fingerprint) values ('@agent_a:example.org', 'DEVICE', true, 'abc')`,
      );
      await database.query(
        `insert into events (event_id, room_id, received_at) values ('$1', '!r', now() - interval '1 hour'), ('$2', '!r', now())`,
      );
      await database.query(
        `insert into mailbox (ghost, event_id, state) values ('@agent_a:example.org', '$1', 'ready'), ('@agent_a:example.org', '$2', 'set_aside')`,
      );
      await database.query(
        "insert into to_device_trials (ghost, fingerprint, set_aside) values ('@agent_a:example.org', 'x', true)",
      );
      const { state } = await readRecords(database);
      assert.deepEqual(state?.ghosts, [
        {
          userId: "@agent_a:example.org",
          deviceId: "DEVICE",
          deviceMade: true,
          replaces: undefined,
          hasToken: false,
          fingerprint: "abc",
          masterKey: undefined,
          identityRefused: false,
          backup: "not needed yet",
        },
      ]);
      assert.deepEqual([state.mailbox.ready, state.mailbox.setAside, state.setAsideToDevice], [1, 1, 1]);
      assert.ok(Math.abs((state.oldestReadySeconds ?? 0) - 3_600) < 120);
    });

    it("are only its version where there is no schema yet", async () => {
      const database = await open({ migrated: false });
      const { migrations, state } = await readRecords(database);
      assert.deepEqual([migrations, state], [[], undefined]);
    });
  });
});

describe("the pings that reached a running bridge", () => {
  it("are told to callers with the hs_token, and to nobody else", async () => {
    const pings = new RecentPings();
    for (let count = 0; count < 40; count++) pings.note(`ping ${count}`);
    const app = express();
    serveDoctor(app, { hsToken: TOKEN, pings });
    await using server = createServer(app);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

    const state = await askBridge(url, TOKEN);
    assert.ok(state.kind === "running", JSON.stringify(state));
    assert.equal(state.answer.pings.length, 32);
    assert.ok(pings.has("ping 39") && !pings.has("ping 0"));

    assert.deepEqual(await askBridge(url, "another"), {
      kind: "strange",
      reason: `a bridge with another hs_token listens at ${url}`,
    });
    assert.equal((await fetch(`${url}/_matrix_agents/doctor`)).status, 403);
    assert.equal((await fetch(`${url}/_matrix_agents/doctor?access_token=${encodeURIComponent(TOKEN)}`)).status, 403);
  });

  it("are not available where no bridge listens", async () => {
    assert.deepEqual(await askBridge(`http://127.0.0.1:${await freePort()}`, TOKEN), { kind: "stopped" });
  });
});
