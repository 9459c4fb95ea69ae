import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, lstat, mkdir, readdir, rename, writeFile } from "node:fs/promises";
import { createConnection, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DatabaseError, type Database } from "../../../src/database/database.ts";
import { openEmbedded } from "../../../src/database/embedded.ts";
import { databaseOfBridge } from "../../../src/database/served/client.ts";
import { serveDatabase, type ServedDatabase } from "../../../src/database/served/server.ts";
import { migrate } from "../../../src/database/migrate.ts";
import { SOCKET } from "../../../src/database/served/socket.ts";
import { countLiveProcesses } from "../../../src/leases/live-processes.ts";
import { notifyProcesses, Processes, type Notification } from "../../../src/leases/processes.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { layEmbedded } from "../../support/embedded.ts";
import { eventually } from "../../support/eventually.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

const log = silentLogger();
const PATIENCE = { silenceMs: 500, transactionMs: 1_500 };

/** The bridge's own answers come within this time, whatever a command does, in ms. */
const BOUND_MS = PATIENCE.transactionMs + 1_000;

async function served(dataDir: string): Promise<Database> {
  return (await databaseOfBridge(dataDir)) ?? assert.fail("nobody serves the database");
}

/** A connection that says what it likes. */
async function stranger(dataDir: string, says = ""): Promise<Socket> {
  const socket = createConnection(join(dataDir, SOCKET));
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(says);
  return socket;
}

/** All that a connection is told until its end. */
async function heard(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
  // An error comes before it, and is of no interest.
  if (!socket.closed) await new Promise<void>((resolve) => socket.on("close", () => resolve()));
  return text;
}

const line = (request: object): string => `${JSON.stringify(request)}\n`;
const BEGUN = line({ kind: "query", sql: "insert into notes values ('unfinished')", values: [] });

describe("the embedded database of a running bridge", () => {
  let dataDir: string;
  let own: Database;
  let server: ServedDatabase;
  let database: Database;

  before(async () => {
    dataDir = await temporaryDirectory("served");
    await layEmbedded(join(dataDir, "database"));
    own = await openEmbedded(join(dataDir, "database"));
    await own.execute("create table notes (word text)");
    server = await serveDatabase(own, dataDir, log, PATIENCE);
    database = await served(dataDir);
  });
  after(async () => {
    await server.close();
    await own.close();
  });

  async function notes(): Promise<unknown[]> {
    return (await own.query("select word from notes order by word")).rows.map(({ word }) => word);
  }

  async function answersInTime(): Promise<void> {
    const began = performance.now();
    await own.query("select 1");
    const ms = performance.now() - began;
    assert.ok(ms < BOUND_MS, `the bridge waited for ${ms} ms`);
  }

  it("answers a command as it answers the bridge, whatever the values", async () => {
    const questions: [string, unknown[]][] = [
      ["select 1 as one, null as none, true as yes, 'ä\u{1f980}\u0001' as text, 9007199254740991::bigint as much", []],
      [
        "select now()::timestamptz(3) as at, 'infinity'::float8 as endless, 'NaN'::float8 as nothing, 1.5::numeric as n",
        [],
      ],
      ['select \'{"date": 1, "list": [{"bytes": null}]}\'::jsonb as made, \'[1, {"json": 2}]\'::json as list', []],
      ["select array['a', null, 'b'] as texts, array[[1, 2], [3, 4]] as numbers, '\\x00ff'::bytea as bytes", []],
      [
        "select $1::text as text, $2::timestamptz as at, $3::bytea as bytes",
        ["a", new Date(0), new Uint8Array([0, 255])],
      ],
      [
        "select $1::text[] as texts, $2::jsonb as made, $3::integer as none, $4::bigint as much",
        [["a", "b"], { a: [1] }, undefined, 5n],
      ],
      ["select 1 where false", []],
    ];
    for (const [sql, values] of questions) {
      const statement = async (target: Database): Promise<unknown> =>
        target.transaction(async (tx) => {
          await tx.query("set transaction read only");
          return (await tx.query(sql.replace("now()", "'2026-05-31T10:00:00.123Z'"), values)).rows;
        });
      assert.deepEqual(await statement(database), await statement(own), sql);
    }
    const { count } = await database.query("select from generate_series(1, 3)");
    assert.equal(count, 3);
  });

  it("takes all of a command's transaction, or nothing", async () => {
    await database.transaction(async (tx) => {
      await tx.query("insert into notes values ($1)", ["kept"]);
      await tx.execute("insert into notes values ('kept too'); insert into notes values ('and this')");
    });
    const changed = database.transaction(async (tx) => {
      await tx.query("insert into notes values ('given up')");
      throw new Error("changed my mind");
    });
    await assert.rejects(changed, /changed my mind/);
    await assert.rejects(
      database.atOnce(async (tx) => {
        await Promise.all([tx.query("insert into notes values ('lost')"), tx.query("select * from nowhere")]);
      }),
      (error) => error instanceof DatabaseError && error.code === "42P01" && !error.retryable,
    );
    assert.deepEqual(await notes(), ["and this", "kept", "kept too"]);
    await own.execute("delete from notes");
  });

  it("hears the doorbells of a command, and takes it for no process", async () => {
    await migrate(own, log);
    const processes = await Processes.join(own, { expireAfterMs: 60_000, log });
    const notified: Notification[] = [];
    processes.listen({ notified: (notification) => notified.push(notification), beat: () => undefined });
    const notification = { mail: ["@agent_a:hs"], wakeUps: ["@agent_b:hs"] };
    await notifyProcesses(database, notification);
    await eventually("the bridge to hear it", () => notified.length > 0);
    assert.deepEqual(notified, [notification]);
    assert.equal(await countLiveProcesses(database), 1);
    await processes.leave();
    assert.equal(await countLiveProcesses(database), 0);
  });

  it("waits for a silent command no longer than its bound, and rolls it back", async () => {
    const silent = await stranger(dataDir, BEGUN);
    await once(silent, "data");
    await answersInTime();
    assert.deepEqual(await notes(), []);
    assert.match(await heard(silent), /"why":"late"/);
  });

  it("waits for a busy command no longer than its bound, and tells it why", async () => {
    const busy = database.transaction(async (tx) => {
      await tx.query("insert into notes values ('unfinished')");
      for (;;) {
        await tx.query("select 1");
        await sleep(20);
      }
    });
    await Promise.all([
      answersInTime(),
      assert.rejects(
        busy,
        (error) => error instanceof DatabaseError && error.retryable && error.message.includes("taken back"),
      ),
    ]);
    assert.deepEqual(await notes(), []);
  });

  it("rolls back the transaction of a command that has gone, at once", async () => {
    const gone = await stranger(dataDir, BEGUN);
    await once(gone, "data");
    gone.destroy();
    assert.deepEqual(await notes(), []);
  });

  it("lets the bridge come between the commands of many", async () => {
    const many = await Promise.all(Array.from({ length: 10 }, () => stranger(dataDir, BEGUN)));
    await Promise.race(many.map((one) => once(one, "data")));
    await answersInTime();
    for (const one of many) one.destroy();
    assert.deepEqual(await notes(), []);
  });

  it("says so to more commands than it takes, and serves the next ones", async () => {
    const many = await Promise.all(Array.from({ length: 70 }, () => stranger(dataDir)));
    assert.match((await Promise.all(many.map(heard))).join(""), /too many commands/);
    // The bridge may not have noticed yet that the last of them have gone.
    const isServed = (): Promise<boolean> =>
      database.query("select 1").then(
        () => true,
        (error: unknown) => {
          if (error instanceof Error && error.message.includes("too many commands")) return false;
          throw error;
        },
      );
    await Promise.all(Array.from({ length: 40 }, () => eventually("a command to be served", isServed)));
  });

  for (const [what, says] of [
    ["garbage", "\u0000\u0001\u0002 GET / HTTP/1.1\r\n\r\n"],
    ["no object", "[]\n"],
    ["a number", "7\n"],
    ["an unknown kind", line({ kind: "drop" })],
    ["a query without values", line({ kind: "query", sql: "select 1" })],
    ["values of an unknown kind", line({ kind: "query", sql: "select $1::text", values: [{ text: "a" }] })],
    ["values that are too deep", line({ kind: "query", sql: "select 1", values: [nested(100)] })],
    ["very deep values", `{"kind":"query","sql":"select 1","values":[${'{"list":['.repeat(100_000)}`],
    ["a request for a prototype", '{"__proto__":{"kind":"commit"}}\n'],
    ["a line of five megabytes", "x".repeat(5 * 1024 ** 2)],
    ["five million line feeds", "\n".repeat(5_000_000)],
    ["a begun line", '{"kind":'],
    ["nothing", ""],
    ["garbage in a transaction", `${BEGUN}rubbish\n`],
    ["half of a transaction, and its end", BEGUN],
    ["the end of a transaction as a statement", `${line({ kind: "query", sql: "commit", values: [] })}${BEGUN}`],
    ["a transaction of its own", line({ kind: "execute", sql: "begin" })],
  ] as const) {
    it(`is unmoved by a client that sends ${what}`, async () => {
      const client = await stranger(dataDir, says);
      await answersInTime();
      await heard(client);
      await answersInTime();
      await own.query("insert into notes values ('of the bridge')");
      assert.deepEqual(
        (await notes()).filter((word) => word === "of the bridge"),
        ["of the bridge"],
      );
      await own.execute("delete from notes");
    });
  }

  it("is unmoved by a client that reads nothing", async () => {
    const large = line({
      kind: "query",
      sql: "select repeat('x', 1000000) as text from generate_series(1, 20)",
      values: [],
    });
    const client = await stranger(dataDir, large.repeat(20));
    await answersInTime();
    client.destroy();
  });

  it("is in a socket that only its user may open, in whatever folder", async () => {
    await chmod(dataDir, 0o777);
    const facts = await lstat(join(dataDir, SOCKET));
    assert.equal(facts.isSocket(), true);
    assert.equal((facts.mode & 0o777).toString(8), "600");
    assert.equal(facts.uid, process.getuid?.());
    await chmod(dataDir, 0o700);
  });

  it("is asked in a folder that was moved", async () => {
    const moved = `${dataDir}-moved`;
    await rename(dataDir, moved);
    assert.equal(await databaseOfBridge(dataDir), undefined);
    assert.equal((await (await served(moved)).query("select 1")).count, 1);
    await rename(moved, dataDir);
  });
});

/** A list in a list in a list … */
function nested(depth: number): object {
  return { list: depth === 0 ? [] : [nested(depth - 1)] };
}

describe("the socket of a data folder", () => {
  let own: Database;
  before(async () => {
    const folder = join(await temporaryDirectory("served"), "database");
    await layEmbedded(folder);
    own = await openEmbedded(folder);
  });
  after(() => own.close());

  it("takes the place of one that a killed bridge has left, and goes with the bridge", async () => {
    const dataDir = await temporaryDirectory("socket");
    await writeFile(join(dataDir, SOCKET), "");
    assert.equal(await databaseOfBridge(dataDir), undefined);
    const server = await serveDatabase(own, dataDir, log);
    assert.equal((await (await served(dataDir)).query("select 1")).count, 1);
    await server.close();
    assert.equal(await databaseOfBridge(dataDir), undefined);
    assert.deepEqual(await readdir(dataDir), []);
  });

  it("is reached in a folder whose path is longer than any socket's", async () => {
    const dataDir = join(await temporaryDirectory("socket"), "x".repeat(120), "ä".repeat(60));
    await mkdir(dataDir, { recursive: true });
    const server = await serveDatabase(own, dataDir, log);
    assert.deepEqual(await readdir(dataDir), [SOCKET]);
    assert.equal((await (await served(dataDir)).query("select 1")).count, 1);
    await server.close();
    assert.deepEqual(await readdir(dataDir), []);
  });

  it("that can't be made keeps no bridge from starting", async () => {
    const dataDir = await temporaryDirectory("socket");
    await mkdir(join(dataDir, SOCKET));
    const server = await serveDatabase(own, dataDir, log);
    await server.close();
  });

  it("ends with the transaction that is under way, and sends away those that wait", async () => {
    const dataDir = await temporaryDirectory("socket");
    const server = await serveDatabase(own, dataDir, log, PATIENCE);
    const database = await served(dataDir);
    let closed: Promise<void> | undefined;
    const outcomes = await Promise.allSettled([
      database.transaction(async (tx) => {
        await tx.query("create table if not exists begun ()");
        closed = server.close();
        await tx.query("select 1");
      }),
      eventually("the close", () => closed !== undefined).then(() => database.query("select 1")),
    ]);
    await closed;
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["fulfilled", "rejected"],
    );
    assert.equal((await own.query("select from pg_class where relname = 'begun'")).count, 1);
  });

  it("of a program that answers as no bridge does is an error in words", async () => {
    const dataDir = await temporaryDirectory("socket");
    for (const says of ["HTTP/1.1 400 Bad Request\r\n\r\n", '{"kind":"result"}\n', "\n"]) {
      const other = createServer((socket) => socket.resume().end(says)).listen(join(dataDir, SOCKET));
      await once(other, "listening");
      await assert.rejects(
        databaseOfBridge(dataDir),
        (error) => error instanceof DatabaseError && error.message.includes("another way than this version"),
      );
      other.close();
      await once(other, "close");
    }
  });
});
