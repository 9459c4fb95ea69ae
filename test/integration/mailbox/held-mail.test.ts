import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { dump } from "js-yaml";
import type { Database } from "../../../src/database/database.ts";
import { openPostgres } from "../../../src/database/postgres.ts";
import { migrate } from "../../../src/database/migrate.ts";
import { Processes, type Notification } from "../../../src/leases/processes.ts";
import { dropHeld, HeldMail, retryHeld } from "../../../src/mailbox/held-mail.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { audited } from "../../support/audit.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { eventually } from "../../support/eventually.ts";
import { inCheckout } from "../../support/paths.ts";
import { createDatabase } from "../../support/postgres.ts";
import { startProcess } from "../../support/process.ts";
import { sharedPostgresUrl } from "../../support/services.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

const LLAMA = "@agent_llama:example.test";

/** One item that is ready, one that waits for a key and two that were set aside; resolves with their ids. */
async function fill(database: Database): Promise<readonly [number, number, number, number]> {
  for (const name of ["ready", "waiting", "poison", "hostile"]) {
    await database.query(
      "insert into events (event_id, room_id, payload) values ($1, '!room', '{\"body\":\"canary\"}')",
      [`$${name}`],
    );
  }
  await database.query("insert into malformed (reason, raw) values ('event: no sender', '{\"body\":\"canary\"}')");
  const { rows } = await database.query<{ id: number }>(
    `insert into mailbox (ghost, event_id, state, reason, attempts) values
       ($1, '$ready', 'ready', null, 0), ($1, '$waiting', 'awaiting_key', 'm.unverified', 0),
       ($1, '$poison', 'set_aside', 'did not finish in 3 attempts', 4), ($1, '$hostile', 'set_aside', $2, 1)
     returning id`,
    [LLAMA, "\u001b[2Jgone"],
  );
  const [a, b, c, d] = rows.map((row) => row.id);
  assert.ok(a !== undefined && b !== undefined && c !== undefined && d !== undefined);
  return [a, b, c, d];
}

forEachDatabase((_kind, open) => {
  describe("mail that needs an operator", () => {
    it("is counted and listed, in order, with reasons", async () => {
      const database = await open();
      const held = new HeldMail(database);
      assert.deepEqual(await held.summary(), { ready: 0, awaitingKey: 0, setAside: 0, refused: 0, malformed: 0 });
      const [, waiting, poison, hostile] = await fill(database);
      assert.deepEqual(await held.summary(), { ready: 1, awaitingKey: 1, setAside: 2, refused: 0, malformed: 1 });
      assert.deepEqual(
        (await held.list()).map(({ id, eventId, state, reason }) => ({ id, eventId, state, reason })),
        [
          { id: waiting, eventId: "$waiting", state: "awaiting_key", reason: "m.unverified" },
          { id: poison, eventId: "$poison", state: "set_aside", reason: "did not finish in 3 attempts" },
          { id: hostile, eventId: "$hostile", state: "set_aside", reason: "\u001b[2Jgone" },
        ],
      );
      assert.deepEqual(
        (await held.list({ after: waiting, limit: 1 })).map(({ id }) => id),
        [poison],
      );
      for (const reason of ["not trusted: unsigned device", "not decrypted: Foo", "a replay of another event"]) {
        await database.query("update mailbox set reason = $2 where id = $1", [hostile, reason]);
        assert.equal((await held.summary()).refused, 1, reason);
      }
    });

    it("is tried again as if for the first time: the named items, or all that were set aside", async () => {
      const database = await open();
      const [ready, waiting, poison, hostile] = await fill(database);
      assert.deepEqual(await retryHeld(database, [ready, waiting, 999_999], "local:office"), [waiting]);
      assert.deepEqual((await retryHeld(database, "all", "@admin:example.test")).sort(), [poison, hostile].sort());
      const { rows } = await database.query("select distinct state, reason, attempts from mailbox");
      assert.deepEqual(rows, [{ state: "ready", reason: null, attempts: 0 }]);
      assert.deepEqual(await audited(database), [
        {
          kind: "admin.command",
          by: "local:office",
          command: "mailbox retry",
          subject: `${ready} ${waiting} 999999`,
        },
        { kind: "admin.command", by: "@admin:example.test", command: "mailbox retry", subject: "all" },
      ]);
    });

    it("is dropped with its content, and nothing else is", async () => {
      const database = await open();
      const held = new HeldMail(database);
      const [ready, waiting, poison, hostile] = await fill(database);
      assert.deepEqual(await dropHeld(database, [ready, poison], "local:office"), [poison]);
      assert.deepEqual(await dropHeld(database, "all", "local:office"), [hostile]);
      const left = await database.query<{ event_id: string }>(
        "select event_id from events where payload is not null order by event_id",
      );
      assert.deepEqual(
        left.rows.map((row) => row.event_id),
        ["$ready", "$waiting"],
      );
      assert.deepEqual(
        (await held.list()).map(({ id }) => id),
        [waiting],
      );
    });
  });
});

describe("matrix-agents mailbox", () => {
  it("lists, retries and drops beside a running bridge, and tells it", async (test) => {
    const url = await createDatabase(sharedPostgresUrl());
    const database = openPostgres(url, silentLogger());
    await migrate(database, silentLogger());
    const [, waiting, poison] = await fill(database);
    const config = join(await temporaryDirectory("mailbox"), "config.yaml");
    await writeFile(
      config,
      dump({
        homeserver: { url: "http://127.0.0.1:8008", domain: "example.test" },
        database: { url },
        providers: { demo: { type: "demo" } },
        agents: { demo: { provider: "demo" } },
      }),
    );
    const run = async (...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> => {
      const child = await startProcess({
        command: process.execPath,
        args: [inCheckout("src/main.js"), "mailbox", ...args, "-c", config],
      });
      const { code } = await child.exited;
      return { code, stdout: child.stdout.join("\n"), stderr: child.stderr.join("\n") };
    };
    const bridge = await Processes.join(database, { expireAfterMs: 60_000, log: silentLogger() });
    test.after(async () => {
      await bridge.leave();
      await database.close();
    });
    const heard: Notification[] = [];
    bridge.listen({ notified: (notification) => heard.push(notification), beat: () => undefined });

    const list = await run();
    assert.equal(list.code, 0, list.stderr);
    assert.match(
      list.stdout,
      /^1 to be handled, 1 waiting for a key, 2 set aside, 1 part of transactions that was no event\n/,
    );
    assert.match(list.stdout, new RegExp(`^${waiting} .*${LLAMA} .*waits for its key: m.unverified$`, "m"));
    assert.match(list.stdout, new RegExp(`^${poison} .*set aside: did not finish in 3 attempts$`, "m"));
    assert.ok(list.stdout.includes("set aside: \ufffd[2Jgone") && !list.stdout.includes("\u001b"));
    assert.ok(!list.stdout.includes("canary"), "no message text");

    const retry = await run("retry", String(poison), "424242");
    assert.deepEqual([retry.code, retry.stdout], [1, "1 event to be tried again"]);
    assert.match(retry.stderr, /424242/);
    await eventually("the bridge to be told", () => heard.some((notification) => notification.mail.includes(LLAMA)));
    assert.deepEqual(await run("drop", "all"), { code: 0, stdout: "1 event dropped", stderr: "" });
  });
});
