import assert from "node:assert/strict";
import { describe, it } from "node:test";
import pg from "pg";
import type { Database } from "../../../src/database/database.ts";
import { openPostgres } from "../../../src/database/postgres.ts";
import { migrate } from "../../../src/database/migrate.ts";
import { acquireLease, fenced, LeaseHeld, leasesOf, releaseLease, StaleLease } from "../../../src/leases/leases.ts";
import { Processes, type Notification } from "../../../src/leases/processes.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { eventually } from "../../support/eventually.ts";
import { addProcess, takeLease } from "../../support/lease.ts";
import { createDatabase } from "../../support/postgres.ts";
import { sharedPostgresUrl } from "../../support/services.ts";

const LLAMA = "@agent_llama:example.test";
const log = silentLogger();

function join(database: Database, expireAfterMs = 60_000): Promise<Processes> {
  return Processes.join(database, { expireAfterMs, log });
}

forEachDatabase((_kind, open) => {
  describe("a lease", () => {
    it("belongs to one process until it gives it back or ends", async () => {
      const database = await open();
      const [first, second] = [await join(database), await join(database)];
      const lease = await acquireLease(database, LLAMA, first.self);
      await assert.rejects(acquireLease(database, LLAMA, second.self), LeaseHeld);
      assert.deepEqual(await leasesOf(database, first.self), [lease]);
      await releaseLease(database, lease);
      assert.deepEqual(await leasesOf(database, first.self), []);
      const next = await acquireLease(database, LLAMA, second.self);
      assert.ok(next.epoch > lease.epoch);
      await second.leave();
      assert.ok((await acquireLease(database, LLAMA, first.self)).epoch > next.epoch);
      await first.leave();
    });

    it("passes on from a process that gives no sign of life", async () => {
      const database = await open();
      const frozen = await join(database, 1);
      await acquireLease(database, LLAMA, frozen.self);
      const other = await join(database);
      await eventually("the lease to be taken over", async () => {
        try {
          await acquireLease(database, LLAMA, other.self);
          return true;
        } catch (error) {
          if (error instanceof LeaseHeld) return false;
          throw error;
        }
      });
      await Promise.all([frozen.leave(), other.leave()]);
    });

    it("lets a former owner write nothing, even when it owns it again under another epoch", async () => {
      const database = await open({ sealed: false });
      const owner = await addProcess(database);
      const former = await acquireLease(database, LLAMA, owner);
      const latter = await acquireLease(database, LLAMA, owner);
      const write = (value: string) => (tx: Pick<Database, "query">) =>
        tx.query("insert into settings (name, value) values ('a', $1)", [value]);
      await assert.rejects(fenced(database, former, write("former")), StaleLease);
      await fenced(database, latter, write("latter"));
      assert.deepEqual((await database.query("select value from settings")).rows, [{ value: "latter" }]);
      await releaseLease(database, former);
      assert.deepEqual(await leasesOf(database, owner), [latter], "a stale lease gives nothing back");
      await releaseLease(database, latter);
      await assert.rejects(fenced(database, latter, write("released")), StaleLease);
    });
  });

  describe("a process", () => {
    it("knows the other live processes, and which of them is preferred", async () => {
      const database = await open();
      const first = await join(database);
      assert.deepEqual([first.alone, first.prefers(LLAMA)], [true, true]);
      const second = await join(database);
      await first.refresh();
      assert.deepEqual([first.alone, second.alone], [false, false]);
      assert.notEqual(first.prefers(LLAMA), second.prefers(LLAMA), "exactly one of them");
      await second.leave();
      await first.refresh();
      assert.deepEqual([first.alone, first.prefers(LLAMA)], [true, true]);
      await first.leave();
    });

    it("is told by the others for which ghosts mail arrived, however many", async () => {
      const database = await open();
      const [first, second] = [await join(database), await join(database)];
      const heard: Notification[] = [];
      let beats = 0;
      first.listen({ notified: (notification) => heard.push(notification), beat: () => beats++ });
      await first.notify({ mail: [LLAMA], wakeUps: [] });
      await second.notify({ mail: [LLAMA], wakeUps: ["@agent_max:example.test"] });
      await eventually("the notification to be heard", () => heard.length > 0);
      assert.deepEqual(heard, [{ mail: [LLAMA], wakeUps: ["@agent_max:example.test"] }]);
      // As a process of another version sends it.
      const payload = JSON.stringify({ from: 0, mail: [], doorbells: [LLAMA] });
      await database.query("select pg_notify('matrix_agents_bells', $1)", [payload]);
      await eventually("another version's notification to be heard", () => heard.length > 1);
      assert.deepEqual(heard.splice(1), [{ mail: [], wakeUps: [LLAMA] }]);
      const before = beats;
      await second.notify({ mail: Array.from({ length: 500 }, (_, i) => `@agent_${i}:example.test`), wakeUps: [] });
      await eventually("it to look for itself", () => beats > before);
      assert.equal(heard.length, 1, "nothing of one's own");
      await Promise.all([first.leave(), second.leave()]);
    });

    it("comes back after it was removed from the list", async () => {
      const database = await open();
      const process = await join(database, 300);
      process.listen({ notified: () => undefined, beat: () => undefined });
      await database.query("delete from processes");
      await eventually("it to be there again", async () => {
        const { rows } = await database.query("select process_lives($1) as lives", [process.self]);
        return rows[0]?.["lives"] === true;
      });
      await process.leave();
      assert.equal((await database.query("select from processes")).count, 0);
    });
  });
});

describe("leases on PostgreSQL", () => {
  async function open(): Promise<{ url: string; database: Database }> {
    const url = await createDatabase(sharedPostgresUrl());
    const database = openPostgres(url, log);
    await migrate(database, log);
    return { url, database };
  }

  it("pass on at once from a process whose connection has ended, long before its time", async () => {
    const { url, database } = await open();
    const killed = openPostgres(url, log);
    const owner = await join(killed, 3_600_000);
    await acquireLease(database, LLAMA, owner.self);
    const other = await join(database);
    await assert.rejects(acquireLease(database, LLAMA, other.self), LeaseHeld);
    await endConnectionsOf(url, owner.self);
    await eventually("the lease to be free", async () =>
      acquireLease(database, LLAMA, other.self).then(
        () => true,
        () => false,
      ),
    );
    await Promise.all([other.leave(), owner.leave()]);
    await Promise.all([database.close(), killed.close()]);
  });

  it("can't be taken during the owner's transaction", async () => {
    const { database } = await open();
    const lease = await takeLease(database, LLAMA);
    const written = Promise.withResolvers<undefined>();
    const order: string[] = [];
    const writing = fenced(database, lease, async (tx) => {
      const taking = takeLease(database, LLAMA).then(() => order.push("taken"));
      await tx.query("insert into settings (name, value) values ('a', 'b')");
      await tx.query("select pg_sleep(0.2)");
      order.push("written");
      written.resolve(undefined);
      return { taking };
    });
    await written.promise;
    await (
      await writing
    ).taking;
    assert.deepEqual(order, ["written", "taken"]);
    await database.close();
  });

  it("keep a process that lost its connection on the list once it has another", async () => {
    const { url, database } = await open();
    const process = await join(database, 60_000);
    process.listen({ notified: () => undefined, beat: () => undefined });
    const lives = async (): Promise<boolean> => {
      const { rows } = await database.query("select process_lives($1) as lives", [process.self]);
      return rows[0]?.["lives"] === true;
    };
    assert.ok(await lives());
    await endConnectionsOf(url, process.self);
    await eventually("it to be alive again", lives, { timeoutMs: 10_000 });
    await process.leave();
    await database.close();
  });
});

/** Ends the connection by which a process shows that it runs. */
async function endConnectionsOf(url: string, process: number): Promise<void> {
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  await admin.query(
    "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = $1 and objsubid = 2",
    [process],
  );
  await admin.end();
}
