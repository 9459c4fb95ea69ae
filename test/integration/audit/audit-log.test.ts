import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AuditEntry, AuditRow } from "../../../src/audit/audit-entry.ts";
import { AuditLog, REFUSALS_AN_HOUR } from "../../../src/audit/audit-log.ts";
import type { Database } from "../../../src/database/database.ts";
import { openPostgres } from "../../../src/database/postgres.ts";
import { migrate } from "../../../src/database/migrate.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { createDatabase } from "../../support/postgres.ts";
import { sharedPostgresUrl } from "../../support/services.ts";

const joined = (number: number): AuditEntry => ({
  kind: "agent.joined",
  ghost: `@agent_${number}:hs`,
  room: "!room:hs",
  by: "@ann:hs",
});

const refused: AuditEntry = { kind: "refused", what: "invite", by: "@eve:elsewhere", reason: "not_allowed" };

async function rowsOf(log: AuditLog, from?: Date): Promise<AuditRow[]> {
  return Array.fromAsync(log.since(from));
}

/** Like somebody who owns the tables. */
async function tamper(database: Database, sql: string): Promise<void> {
  await database.execute(
    `alter table audit_log disable trigger user; ${sql}; alter table audit_log enable trigger user`,
  );
}

forEachDatabase((_kind, open) => {
  describe("the audit log", () => {
    it("tells the events in their order, and is whole", async () => {
      const database = await open();
      const log = new AuditLog(database);
      const before = new Date(Date.now() - 60_000);
      for (let number = 1; number <= 3; number++) await log.record(database, joined(number));
      const rows = await rowsOf(log, before);
      assert.deepEqual(
        rows.map(({ seq, kind, details }) => ({ seq, kind, ...(JSON.parse(details) as object) })),
        [1, 2, 3].map((seq) => ({ seq, ...joined(seq) })),
      );
      assert.ok(rows.every(({ at }) => at >= before && at <= new Date(Date.now() + 60_000)));
      const head = { seq: 3, hash: rows[2]?.hash ?? "" };
      assert.deepEqual(await log.verify(), { rows: 3, head, broken: undefined });
      assert.deepEqual(await rowsOf(log, new Date(Date.now() + 60_000)), []);
    });

    it("is read and followed over more rows than are read at once", async () => {
      const database = await open();
      const log = new AuditLog(database);
      await database.transaction(async (tx) => {
        for (let number = 1; number <= 1_001; number++) await log.record(tx, joined(number));
      });
      assert.equal((await rowsOf(log)).length, 1_001);
      const { rows, broken } = await log.verify();
      assert.deepEqual({ rows, broken }, { rows: 1_001, broken: undefined });
    });

    it("holds nothing of a transaction that was rolled back", async () => {
      const database = await open();
      const log = new AuditLog(database);
      await log.record(database, joined(1));
      const work = database.transaction(async (tx) => {
        await log.record(tx, joined(2));
        throw new Error("changed my mind");
      });
      await assert.rejects(work, /changed my mind/);
      await log.record(database, joined(3));
      assert.deepEqual(
        (await rowsOf(log)).map(({ seq, details }) => [seq, (JSON.parse(details) as { ghost: string }).ghost]),
        [
          [1, "@agent_1:hs"],
          [2, "@agent_3:hs"],
        ],
      );
      assert.equal((await log.verify()).broken, undefined);
    });

    it("notes the same refusal once an hour", async () => {
      const database = await open();
      const log = new AuditLog(database);
      await log.record(database, refused);
      await log.record(database, refused);
      await log.record(database, { ...refused, reason: "room_too_large" });
      assert.equal((await rowsOf(log)).length, 2);
      await tamper(database, "update audit_log set at = at - interval '61 minutes'");
      await log.record(database, refused);
      assert.equal((await rowsOf(log)).length, 3);
    });

    it("notes only so many refusals in an hour, of a user, of a server, and in all", async () => {
      const database = await open();
      const log = new AuditLog(database);
      const { user, server, all } = REFUSALS_AN_HOUR;
      const of = async (by: string): Promise<number> =>
        (await rowsOf(log)).filter(({ details }) => details.includes(by)).length;
      // Each time another subject: another room.
      let room = 0;
      const refuse = async (by: string, times: number): Promise<void> => {
        for (let n = 0; n < times; n++) await log.record(database, { ...refused, by, room: `!${++room}:elsewhere` });
      };
      await refuse("@eve:elsewhere", user + 5);
      assert.equal(await of("@eve:elsewhere"), user);
      await refuse("@eve:elsewhere.org", 1);
      await refuse('@eve"x:elsewhere.org', 1);
      assert.equal((await rowsOf(log)).length, user + 2, "another user's are noted");
      for (let n = 0; n < server; n++) await refuse(`@eve${n}:elsewhere`, 2);
      assert.equal((await rowsOf(log)).filter(({ details }) => /"by":"[^"]*:elsewhere"/.test(details)).length, server);
      for (let n = 0; n < all; n++) await refuse(`@eve:host${n}`, 1);
      assert.equal((await rowsOf(log)).length, all);
      await log.record(database, joined(1));
      assert.equal((await rowsOf(log)).length, all + 1, "all else is noted");
      await tamper(database, "update audit_log set at = at - interval '61 minutes'");
      await refuse("@eve:elsewhere", 1);
      assert.equal((await rowsOf(log)).length, all + 2);
    });

    it("refuses to be changed", async () => {
      const database = await open();
      const log = new AuditLog(database);
      await log.record(database, joined(1));
      for (const sql of [
        "update audit_log set details = '{}'",
        "delete from audit_log",
        "truncate audit_log",
        "delete from audit_head",
        "truncate audit_head",
      ]) {
        await assert.rejects(database.query(sql), /only appended to/, sql);
      }
      assert.equal((await log.verify()).rows, 1);
    });

    it("shows which row was changed, removed, moved or added by somebody who got around that", async () => {
      const cases: [string, { seq: number; how: string }][] = [
        [`update audit_log set details = '{"ghost":"@other:hs"}' where seq = 2`, { seq: 2, how: "changed" }],
        ["update audit_log set at = at - interval '1 day' where seq = 2", { seq: 2, how: "changed" }],
        ["update audit_log set kind = 'agent.left' where seq = 4", { seq: 4, how: "changed" }],
        ["delete from audit_log where seq = 1", { seq: 1, how: "missing" }],
        ["delete from audit_log where seq = 3", { seq: 3, how: "missing" }],
        ["delete from audit_log where seq = 4", { seq: 4, how: "missing" }],
        ["update audit_log set seq = 5 - seq + 100; update audit_log set seq = seq - 100", { seq: 1, how: "changed" }],
        [
          "insert into audit_log select 5, at, kind, details, hash, hash from audit_log where seq = 4",
          { seq: 5, how: "changed" },
        ],
        ["delete from audit_log where seq = 4; update audit_head set seq = 3, hash = 'x'", { seq: 3, how: "replaced" }],
      ];
      const database = await open();
      const log = new AuditLog(database);
      for (const [sql, broken] of cases) {
        await tamper(database, "truncate audit_log; update audit_head set seq = 0, hash = ''");
        for (let number = 1; number <= 4; number++) await log.record(database, joined(number));
        await tamper(database, sql);
        assert.deepEqual((await log.verify()).broken, broken, sql);
      }
    });

    it("shortened together with its head is noticed by a head that was kept elsewhere, and by nothing else", async () => {
      const database = await open();
      const log = new AuditLog(database);
      for (let number = 1; number <= 3; number++) await log.record(database, joined(number));
      const { head } = await log.verify();
      await tamper(
        database,
        `delete from audit_log where seq = 3;
         update audit_head set seq = 2, hash = (select hash from audit_log where seq = 2)`,
      );
      assert.equal((await log.verify()).broken, undefined);
      assert.deepEqual((await log.verify(head)).broken, { seq: 3, how: "missing" });
    });

    it("without its end takes no further rows, and the log says so", async () => {
      const database = await open();
      const log = new AuditLog(database);
      await log.record(database, joined(1));
      await database.execute("alter table audit_head disable trigger user; delete from audit_head");
      await assert.rejects(log.record(database, joined(2)), /lost its head/);
      assert.deepEqual((await log.verify()).broken, { seq: 1, how: "added" });
    });
  });
});

describe("the audit log of several processes", () => {
  it("has every entry once, in a single chain", async () => {
    const url = await createDatabase(sharedPostgresUrl());
    const databases = [openPostgres(url, silentLogger()), openPostgres(url, silentLogger())];
    const [first] = databases as [Database, Database];
    try {
      await migrate(first, silentLogger());
      const logs = databases.map((database) => ({ database, log: new AuditLog(database) }));
      const work = logs.flatMap(({ database, log }, index) =>
        Array.from({ length: 50 }, (_, number) =>
          number % 2 === 0
            ? log.record(database, joined(index * 100 + number))
            : database.transaction((tx) => log.record(tx, joined(index * 100 + number))),
        ),
      );
      await Promise.all(work);
      const { rows, broken } = await new AuditLog(first).verify();
      assert.deepEqual({ rows, broken }, { rows: 100, broken: undefined });
    } finally {
      for (const database of databases) await database.close();
    }
  });
});
