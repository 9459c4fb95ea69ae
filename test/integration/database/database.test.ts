import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DatabaseError } from "../../../src/database/database.ts";
import { migrate } from "../../../src/database/migrate.ts";
import { openDatabase } from "../../../src/database/open.ts";
import { openPostgres } from "../../../src/database/postgres.ts";
import { claimDirectory, DatabaseInUse } from "../../../src/database/sole-user.ts";
import { describeError } from "../../../src/observability/described-error.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { startEndingProxy } from "../../support/ending-proxy.ts";
import { eventually } from "../../support/eventually.ts";
import { inCheckout } from "../../support/paths.ts";
import { createDatabase } from "../../support/postgres.ts";
import { startProcess } from "../../support/process.ts";
import { sharedPostgresUrl } from "../../support/services.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

const log = silentLogger();

forEachDatabase((_kind, open) => {
  describe("migrations", () => {
    it("are each applied once, even by two processes at once", async () => {
      const database = await open({ migrated: false });
      await Promise.all([migrate(database, log), migrate(database, log)]);
      const { rows } = await database.query<{ number: number }>("select number from migrations order by number");
      assert.deepEqual(
        rows.map(({ number }) => number),
        (await readdir(inCheckout("migrations"))).map((file) => Number(file.slice(0, 4))).sort((a, b) => a - b),
      );
      await migrate(database, log);
    });

    it("are refused on a database of a newer version", async () => {
      const database = await open();
      await database.query("insert into migrations (number, name) values (9999, '9999_future.sql')");
      await assert.rejects(migrate(database, log), /newer version.*9999_future/);
    });
  });

  describe("a transaction", () => {
    it("that fail, and statements, show no value in the log", async () => {
      const database = await open();
      await database.query("insert into settings (name, value) values ('quagga', '1')");
      for (const sql of [
        "select $1::integer",
        "select $1::json",
        "select $1::timestamptz",
        "insert into settings (name, value) values ($1, '2')",
        "insert into malformed (reason, raw) values ($1, null)",
      ]) {
        const error: unknown = await database.query(sql, ["quagga"]).then(
          () => undefined,
          (error: unknown) => error,
        );
        assert.ok(error instanceof DatabaseError, sql);
        assert.doesNotMatch(JSON.stringify(describeError(error)) + error.message, /quagga/, sql);
      }
    });

    it("is all or nothing", async () => {
      const database = await open({ sealed: false });
      const work = database.transaction(async (tx) => {
        await tx.query("insert into settings (name, value) values ('a', 'b')");
        throw new Error("changed my mind");
      });
      await assert.rejects(work, /changed my mind/);
      assert.equal((await database.query("select 1 from settings where name = 'a'")).count, 0);
    });
  });

  it("an error carries its SQLSTATE, and whether to try again", async () => {
    const database = await open();
    await assert.rejects(database.query("select * from nowhere"), (error: unknown) => {
      assert.ok(error instanceof DatabaseError);
      assert.equal(error.code, "42P01");
      assert.equal(error.retryable, false);
      return true;
    });
  });
});

describe("PostgreSQL that is not there", () => {
  it("is an error worth trying again", async () => {
    const opening = openDatabase({ kind: "postgres", url: "postgres://nobody@127.0.0.1:1/none" }, log);
    await assert.rejects(opening, (error: unknown) => error instanceof DatabaseError && error.retryable);
  });
});

describe("a PostgreSQL connection that is lost during a transaction", () => {
  it("fails only that transaction, with an error worth trying again", async () => {
    const database = openPostgres(await createDatabase(sharedPostgresUrl()), log);
    try {
      const work = database.transaction(async (tx) => {
        const { rows } = await tx.query<{ pid: number }>("select pg_backend_pid() as pid");
        await database.query("select pg_terminate_backend($1, 5000)", [rows[0]?.pid]);
        // Between two statements nobody waits for an answer of the connection.
        await eventually("the statement to fail", () =>
          tx.query("select 1").then(
            () => false,
            () => true,
          ),
        );
        await tx.query("select 2");
      });
      await assert.rejects(work, (error: unknown) => error instanceof DatabaseError && error.retryable);
      assert.deepEqual((await database.query("select 1 as one")).rows, [{ one: 1 }]);
    } finally {
      await database.close();
    }
  });
});

describe("a PostgreSQL connection that the server ends while the pool hands it over", () => {
  it("fails only the statement that was to have it", async () => {
    const url = new URL(await createDatabase(sharedPostgresUrl()));
    const ending = await startEndingProxy(Number(url.port));
    url.port = String(ending.port);
    const database = openPostgres(url.href, log);
    try {
      // Where nobody listens to the connection, its end is an uncaught error, which fails this test as it would end the bridge.
      const statement = database.query("select 1 as one");
      await assert.rejects(statement, (error: unknown) => error instanceof DatabaseError && error.retryable);
      assert.deepEqual((await database.query("select 1 as one")).rows, [{ one: 1 }]);
    } finally {
      await database.close();
      await ending.stop();
    }
  });
});

describe("the claim on a folder", () => {
  it("keeps a second bridge out, and is released", async () => {
    const directory = await temporaryDirectory("claim");
    const first = await claimDirectory(directory);
    await assert.rejects(claimDirectory(directory), DatabaseInUse);
    await first.release();
    await (await claimDirectory(directory)).release();
  });

  it("is taken over from a process that has ended, and from one whose process id another program has now", async () => {
    const directory = await temporaryDirectory("claim");
    const child = await startProcess({ command: process.execPath, args: ["-e", "setInterval(() => {}, 1000)"] });
    await child.stop({ signal: "SIGKILL" });
    for (const holder of [`${child.pid} 12345`, `${process.pid} started-another-time`, ""]) {
      await writeFile(join(directory, "matrix-agents.lock"), holder);
      await (await claimDirectory(directory)).release();
    }
  });

  it("has one winner when several processes find the file of an ended one at once", async () => {
    const directory = await temporaryDirectory("claim");
    const module = new URL("../../../src/database/sole-user.ts", import.meta.url).href;
    const script = `
      import { claimDirectory } from ${JSON.stringify(module)};
      process.stdin.once("data", async () => {
        const claimed = await claimDirectory(${JSON.stringify(directory)}).then(() => "claimed", () => "refused");
        console.log(claimed);
        setInterval(() => {}, 1_000);
      });
      console.log("ready");`;
    for (let round = 0; round < 5; round++) {
      await writeFile(join(directory, "matrix-agents.lock"), "999999999 12345");
      const rivals = Array.from({ length: 4 }, () =>
        spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["pipe", "pipe", "inherit"] }),
      );
      try {
        const said = rivals.map(() => "");
        for (const [index, { stdout }] of rivals.entries()) {
          stdout.on("data", (chunk: Buffer) => (said[index] = `${said[index]}${chunk.toString()}`));
        }
        await eventually("all to be ready", () => said.every((text) => text.includes("ready")));
        for (const { stdin } of rivals) stdin.write("go\n");
        await eventually("all to have tried", () => said.every((text) => /claimed|refused/.test(text)));
        assert.equal(said.filter((text) => text.includes("claimed")).length, 1, said.join());
      } finally {
        await Promise.all(
          rivals.map(async (rival) => {
            const ended = once(rival, "exit");
            rival.kill("SIGKILL");
            await ended;
          }),
        );
      }
    }
  });
});
