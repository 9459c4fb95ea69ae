import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { AuditLog } from "../../../src/audit/audit-log.ts";
import { DatabaseError, type Database, type Row } from "../../../src/database/database.ts";
import { knownMigrations, migrate } from "../../../src/database/migrate.ts";
import { openPostgres } from "../../../src/database/postgres.ts";
import { DeviceStore } from "../../../src/ghost/device/device-store.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { Processes } from "../../../src/leases/processes.ts";
import { RoomSettingsStore } from "../../../src/rooms/settings-store.ts";
import { confirmSealed, sealExisting } from "../../../src/sealing/seal-existing.ts";
import { Rooms } from "../../../src/rooms/rooms.ts";
import { createDatabase } from "../../support/postgres.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { inCheckout } from "../../support/paths.ts";
import { ROWS } from "../../support/full-database.ts";
import { makeSeals, sealsOf } from "../../support/seals.ts";
import { sharedPostgresUrl } from "../../support/services.ts";

const log = silentLogger();
const migrations = await knownMigrations();
const LLAMA = "@agent_llama:hs";

/** The tables of a schema and their contents, identified by the row itself. */
async function contents(database: Database): Promise<Map<string, Row[]>> {
  const { rows: tables } = await database.query<{ name: string }>(
    "select tablename as name from pg_tables where schemaname = 'public' and tablename <> 'migrations'",
  );
  const found = new Map<string, Row[]>();
  for (const { name } of tables) {
    const { rows } = await database.query<{ row: Row }>(`select to_json(t) as row from ${name} t order by t::text`);
    found.set(
      name,
      rows.map(({ row }) => row),
    );
  }
  return found;
}

/** Columns that migrations have renamed, or contents that they have changed. */
const NEW_NAMES: Record<string, string> = { crypto_leases: "leases" };
const CHANGED: ReadonlySet<string> = new Set([
  "ghosts.cross_signed",
  "leases.owner",
  "rooms.changes",
  "turn_steps.question",
]);

/** Migrates a database, and looks for each of its rows afterwards. */
async function keepsAll(database: Database): Promise<void> {
  const before = await contents(database);
  await migrate(database, log);
  const after = await contents(database);
  for (const [table, rows] of before) {
    const now = after.get(NEW_NAMES[table] ?? table);
    assert.equal(now?.length, rows.length, table);
    for (const row of rows) {
      const kept = Object.entries(row).filter(([column]) => !CHANGED.has(`${NEW_NAMES[table] ?? table}.${column}`));
      assert.ok(
        now.some((candidate) =>
          kept.every(([column, value]) => JSON.stringify(candidate[column]) === JSON.stringify(value)),
        ),
        `${table}: ${JSON.stringify(row)} is not among ${JSON.stringify(now)}`,
      );
    }
  }
}

/** Does with a migrated database what the bridge does with it first. */
async function isReadable(database: Database, from: number): Promise<void> {
  await makeSeals(database);
  const seals = sealsOf(database);
  await sealExisting(database, seals);
  await confirmSealed(database, seals, log);
  const ghost = await new DeviceStore(database).ensure(LLAMA);
  assert.deepEqual(
    [ghost.deviceId, ghost.deviceMade, ghost.since, ghost.crossSigned, ghost.marker],
    // An identity whose secrets are nowhere else signs the device again.
    ["LLAMADEVICE", true, "s1", from >= 7, from >= 7 ? 3 : 0],
  );
  assert.equal(await new Rooms(database, log).isEncrypted("!room:hs"), true);
  const { system } = await new RoomSettingsStore(database, seals).get(LLAMA, "!room:hs");
  assert.equal(system, from >= 13 ? "Talk like a pirate" : undefined);
  assert.equal((await new AuditLog(database).verify()).broken, undefined);
}

describe("a database of every earlier schema", () => {
  for (const { number, name } of migrations.slice(0, -1)) {
    it(`${name} is migrated to the newest with all that was in it`, async () => {
      const database = openPostgres(await createDatabase(sharedPostgresUrl()), log);
      try {
        const then = migrations.filter((migration) => migration.number <= number);
        // In the order of history: rows exist when the next migration comes.
        for (let count = 1; count <= then.length; count++) {
          await migrate(database, log, { known: then.slice(0, count) });
          const rows = ROWS.get(then[count - 1]?.number ?? 0);
          assert.ok(
            rows !== undefined,
            `there are no rows for ${then[count - 1]?.name} in test/support/full-database.ts`,
          );
          if (rows !== "") await database.execute(rows);
        }
        await keepsAll(database);
        await isReadable(database, number);
      } finally {
        await database.close();
      }
    });
  }
});

/** The schemas of released versions, each dumped by pg_dump with rows in all of its tables. */
const RELEASED = (await readdir(inCheckout("test/fixtures/schemas"))).sort();

forEachDatabase((_kind, open) => {
  describe("a database of a released version", () => {
    for (const file of RELEASED) {
      it(`${file.replace(/\.sql$/, "")} is migrated to the newest with all that was in it`, async () => {
        const database = await open({ migrated: false });
        await database.execute(await readFile(inCheckout(`test/fixtures/schemas/${file}`), "utf8"));
        const { rows } = await database.query<{ from: number }>('select max(number) as "from" from migrations');
        const from = rows[0]?.from ?? 0;
        assert.ok(from > 0 && from < (migrations.at(-1)?.number ?? 0));
        for (const [table, found] of await contents(database)) {
          // No process outlives its dump.
          assert.ok(found.length > 0 || table === "processes", `${table} is empty`);
        }
        await keepsAll(database);
        await isReadable(database, from);
      });
    }
  });

  describe("a version of the bridge that is older than the database", () => {
    const older = migrations.slice(0, -1);

    async function newer(sql: string, isBreaking: boolean): Promise<Database> {
      const database = await open();
      const future = { number: 9999, name: "9999_future.sql", sql, isBreaking };
      await migrate(database, log, { known: [...migrations, future] });
      return database;
    }

    it("uses the database where the newer version has only added to it", async () => {
      const database = await newer("create table future (a text)", false);
      await migrate(database, log);
      await new DeviceStore(database).ensure(LLAMA);
    });

    it("refuses the database where the newer version has changed it, and says why", async () => {
      const database = await newer("alter table ghosts drop column profile", true);
      await assert.rejects(
        migrate(database, log),
        /newer version.*does not understand.*9999_future\.sql.*run that version/,
      );
    });

    it("takes an unknown migration for a change, unless it is marked as compatible", async () => {
      const database = await open({ migrated: false });
      await migrate(database, log, { known: older });
      // As written by versions without that difference.
      await database.query("alter table migrations drop column breaking");
      await database.query("insert into migrations (number, name) values (9999, '9999_future.sql')");
      await assert.rejects(migrate(database, log), /newer version/);
    });
  });

  describe("a version of the bridge that is newer than the running processes", () => {
    const future = (isBreaking: boolean) => {
      const added = { number: 9999, name: "9999_future.sql", sql: "create table future (a text)", isBreaking };
      return { known: [...migrations, added] };
    };

    it("changes nothing that the running processes use until they have ended, and says so", async () => {
      const database = await open();
      const running = await Processes.join(database, { expireAfterMs: 60_000, log });
      await migrate(database, log);
      await assert.rejects(
        migrate(database, log, future(true)),
        (error: unknown) =>
          error instanceof DatabaseError &&
          !error.retryable &&
          /9999_future\.sql.*stop the other processes first/.test(error.message),
      );
      assert.equal((await database.query("select from pg_tables where tablename = 'future'")).count, 0);
      await running.leave();
      await migrate(database, log, future(true));
    });

    it("makes additions with which the running processes can work", async () => {
      const database = await open();
      const running = await Processes.join(database, { expireAfterMs: 60_000, log });
      await migrate(database, log, future(false));
      await running.leave();
    });
  });

  it("a migration has no time limit, on the server either", async () => {
    const database = openPostgres(await createDatabase(sharedPostgresUrl()), log);
    const sql = "do $$ begin if current_setting('statement_timeout') <> '0' then raise 'in a hurry'; end if; end $$";
    try {
      await migrate(database, log, { known: [{ number: 1, name: "0001_long.sql", sql, isBreaking: true }] });
      const { rows } = await database.query<{ limit: string }>("select current_setting('statement_timeout') as limit");
      assert.equal(rows[0]?.limit, "20s");
    } finally {
      await database.close();
    }
  });

  it("the migrations are numbered in their order, without twins", () => {
    const numbers = migrations.map(({ number }) => number);
    assert.deepEqual(
      numbers,
      [...new Set(numbers)].toSorted((a, b) => a - b),
    );
  });

  it("the migrations say themselves whether an older version can work with them", () => {
    const compatible = migrations.filter(({ isBreaking }) => !isBreaking).map(({ number }) => number);
    assert.deepEqual(
      compatible,
      [19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 36, 38, 40, 50, 51, 52, 54, 55, 56, 58, 62],
    );
  });
});
