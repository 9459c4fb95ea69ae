import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Database } from "../../../src/database/database.ts";
import { openPostgres } from "../../../src/database/postgres.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { createDatabase } from "../../support/postgres.ts";
import { sharedPostgresUrl } from "../../support/services.ts";
import { startSqlWire, type SqlWire } from "../../support/sql-wire.ts";

forEachDatabase((_kind, open) => {
  describe("a transaction at once", () => {
    it("runs its statements in order, and resolves with their results", async () => {
      const database = await open();
      await database.execute("create table facts (number integer)");
      const found = await database.atOnce(async (tx) => {
        const [, result] = await Promise.all([
          tx.query("insert into facts values (1)"),
          tx.query<{ number: number }>("select number from facts"),
          tx.query("insert into facts values (2)"),
        ]);
        return result.rows;
      });
      assert.deepEqual(found, [{ number: 1 }]);
      assert.equal((await database.query("select from facts")).count, 2);
    });

    it("is all or nothing, and fails with its first failure", async () => {
      const database = await open();
      await database.execute("create table facts (number integer primary key)");
      const work = database.atOnce((tx) =>
        Promise.all([
          tx.query("insert into facts values (1)"),
          tx.query("insert into facts values (1)"),
          tx.query("select 1 / 0"),
        ]),
      );
      await assert.rejects(work, { code: "23505" });
      assert.equal((await database.query("select from facts")).count, 0);
      await database.query("insert into facts values (1)");
    });

    it("fails with a statement whose result nobody awaited", async () => {
      const database = await open();
      await database.execute("create table facts (number integer primary key)");
      const work = database.transaction(async (tx) => {
        await tx.query("insert into facts values (1)");
        tx.query("select 1 / 0").catch(() => undefined);
      });
      await assert.rejects(work, { code: "22012" });
      assert.equal((await database.query("select from facts")).count, 0);
    });

    it("names the first failure, not one that follows from it", async () => {
      const database = await open();
      const work = database.transaction(async (tx) => {
        tx.query("select 1 / 0").catch(() => undefined);
        await tx.query("select 1");
      });
      await assert.rejects(work, { code: "22012" });
    });

    it("refuses a statement that comes after its end", async () => {
      const database = await open();
      const work = database.atOnce(async (tx) => {
        await tx.query("select 1");
        await tx.query("select 2");
      });
      await assert.rejects(work, /after the end/);
    });

    it("is rolled back when its work throws while it starts statements", async () => {
      const database = await open();
      await database.execute("create table facts (number integer)");
      const work = database.atOnce((tx) =>
        Promise.all([
          tx.query("insert into facts values (1)"),
          Promise.resolve().then(() => Promise.reject(new Error("changed my mind"))),
        ]),
      );
      await assert.rejects(work, /changed my mind/);
      assert.equal((await database.query("select from facts")).count, 0);
    });

    it("refuses statements that start after its rollback, and keeps them out of the next transaction", async () => {
      const database = await open();
      await database.execute("create table facts (number integer)");
      const late = Promise.withResolvers<undefined>();
      let straggler: Promise<unknown> | undefined;
      const work = database.transaction(async (tx) => {
        await tx.query("insert into facts values (1)");
        straggler = late.promise.then(() => tx.query("insert into facts values (2)"));
        straggler.catch(() => undefined);
        throw new Error("changed my mind");
      });
      await assert.rejects(work, /changed my mind/);
      await database.transaction(async (tx) => {
        await tx.query("insert into facts values (3)");
        late.resolve(undefined);
        await assert.rejects(straggler ?? Promise.resolve(), /after the end|closed/);
      });
      assert.deepEqual((await database.query("select number from facts")).rows, [{ number: 3 }]);
    });

    it("fails when its work throws before any statement", async () => {
      const database = await open();
      await assert.rejects(
        database.atOnce(() => {
          throw new Error("no");
        }),
        /no/,
      );
      assert.deepEqual((await database.query("select 1 as one")).rows, [{ one: 1 }]);
    });
  });
});

describe("PostgreSQL is asked", () => {
  let wire: SqlWire;
  let database: Database;
  let wireUrl: string;
  let asked: () => Promise<readonly (readonly string[])[]>;

  beforeEach(async () => {
    const url = new URL(await createDatabase(sharedPostgresUrl()));
    wire = await startSqlWire(Number(url.port));
    url.port = String(wire.port);
    wireUrl = url.href;
    database = openPostgres(wireUrl, silentLogger());
    await database.query("select 0");
    wire.roundTrips.length = 0;
    asked = () => Promise.resolve(wire.roundTrips.map(({ statements }) => statements));
  });
  afterEach(async () => {
    await database.close();
    await wire.stop();
  });

  it("for the settings of a connection together with its first statement, and to plan a statement once", async () => {
    const other = openPostgres(wireUrl, silentLogger());
    try {
      const text = "select $1::integer + 7 as n";
      for (const n of [1, 2, 3]) assert.deepEqual((await other.query(text, [n])).rows, [{ n: n + 7 }]);
      assert.deepEqual(
        (await asked()).map((statements) => statements.length),
        [2, 1, 1],
      );
      const plans = "select generic_plans, custom_plans from pg_prepared_statements where statement = $1";
      assert.deepEqual((await other.query(plans, [text])).rows, [{ generic_plans: 3, custom_plans: 0 }]);
    } finally {
      await other.close();
    }
  });

  it("once for a transaction at once", async () => {
    await database.atOnce((tx) => Promise.all([tx.query("select 1"), tx.query("select $1::integer", [2])]));
    assert.deepEqual(await asked(), [["begin", "select 1", "select $1::integer", "commit"]]);
  });

  it("once for reads that are started in the same tick, whoever starts them", async () => {
    const read = async (n: number): Promise<unknown> => (await database.query("select $1::integer as n", [n])).rows[0];
    const later = async (): Promise<unknown> => {
      await Promise.resolve();
      return read(3);
    };
    assert.deepEqual(await Promise.all([read(1), read(2), later()]), [{ n: 1 }, { n: 2 }, { n: 3 }]);
    assert.equal((await asked()).length, 1);
    assert.deepEqual(await read(4), { n: 4 });
    assert.equal((await asked()).length, 2);
  });

  it("for each read, though another one in its tick fails", async () => {
    const [one, failed] = await Promise.allSettled([database.query("select 1 as n"), database.query("select 1 / 0")]);
    assert.equal(one.status, "fulfilled");
    assert.equal(failed.status, "rejected");
    assert.deepEqual((await database.query("select 2 as n")).rows, [{ n: 2 }]);
    assert.deepEqual(database.connections?.(), { used: 0, idle: 1, awaited: 0 });
  });

  it("on a separate connection for statements that may wait for a lock", async () => {
    await database.execute("create table facts (number integer); insert into facts values (1)");
    let waiting: Promise<{ readonly count: number }> | undefined;
    await database.transaction(async (tx) => {
      await tx.query("update facts set number = 2");
      const locked = database.query("select from facts for update");
      waiting = locked;
      assert.deepEqual((await database.query("select 1 as n")).rows, [{ n: 1 }]);
    });
    assert.equal((await waiting)?.count, 1);
  });

  it("many more queries than share a connection", async () => {
    const found = await Promise.all(
      Array.from(
        { length: 100 },
        async (_, n) => (await database.query<{ n: number }>("select $1::integer as n", [n])).rows[0]?.n,
      ),
    );
    assert.deepEqual(
      found,
      Array.from({ length: 100 }, (_, n) => n),
    );
  });

  it("with the first statement for the beginning of any other transaction", async () => {
    await database.transaction(async (tx) => {
      await tx.query("select 1");
      await tx.query("select 2");
    });
    assert.deepEqual(await asked(), [["begin", "select 1"], ["select 2"], ["commit"]]);
  });

  it("with the last statements for the end of a transaction that marks them", async () => {
    const two = await database.transactionWithLast(
      async (tx) => (await tx.query<{ n: number }>("select 1 as n")).rows[0]?.n,
      async (tx, n) => (await tx.query<{ n: number }>("select $1::integer + 1 as n", [n])).rows[0]?.n,
    );
    assert.equal(two, 2);
    assert.deepEqual(await asked(), [
      ["begin", "select 1 as n"],
      ["select $1::integer + 1 as n", "commit"],
    ]);
  });

  it("only for the rollback after a failure", async () => {
    const work = database.transaction(async (tx) => {
      await tx.query("select 1 / 0");
      await tx.query("select 2");
    });
    await assert.rejects(work, { code: "22012" });
    assert.deepEqual((await asked()).flat(), ["begin", "select 1 / 0", "rollback"]);
  });
});

describe("a table that a migration changes under prepared statements", () => {
  it("is read and written as before", async () => {
    const url = await createDatabase(sharedPostgresUrl());
    const [database, other] = [openPostgres(url, silentLogger()), openPostgres(url, silentLogger())];
    try {
      await other.execute("create table facts (number integer); insert into facts values (1)");
      const read = (): Promise<unknown[]> => database.query("select number from facts").then(({ rows }) => rows);
      assert.deepEqual(await read(), [{ number: 1 }]);
      await other.execute("alter table facts alter column number type text");
      assert.deepEqual(await read(), [{ number: "1" }]);
      await other.execute("alter table facts alter column number type integer using number::integer");
      const work = database.transaction((tx) => tx.query("select number from facts"));
      await assert.rejects(work, { code: "0A000", retryable: true });
      assert.deepEqual(await read(), [{ number: 1 }]);
    } finally {
      await Promise.all([database.close(), other.close()]);
    }
  });
});
