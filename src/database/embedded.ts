import { existsSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { PGlite, types } from "@electric-sql/pglite";
import { databaseError, databaseRefusal, type Database, type Queryable, type Result, type Row } from "./database.ts";
import { keepUp } from "./embedded-upkeep.ts";
import { SyncedFiles, settleFolder } from "./synced-files.ts";
import { TransactionStatements } from "./transaction-statements.ts";

/**
 * PostgreSQL fills its shared memory whatever the size of the database, and WebAssembly never gives memory back. Pages that are
 * not in its cache are in the system's; and there is one connection. PGlite switches `fsync` off where it is not switched on.
 */
const SETTINGS = ["shared_buffers=4MB", "max_connections=20", "fsync=on", "wal_sync_method=fsync"];

/**
 * Opens the embedded database (PGlite) in a folder, which is made when missing. One process only: the caller holds the
 * folder's lock (see `sole-user.ts`). Statements run one at a time.
 */
export async function openEmbedded(directory: string): Promise<Database> {
  const isNew = !existsSync(join(directory, "PG_VERSION"));
  const lite = await PGlite.create({
    fs: new SyncedFiles(directory),
    startParams: [...PGlite.defaultStartParams, ...SETTINGS.flatMap((setting) => ["-c", setting])],
    parsers: {
      [types.INT8]: (value) => Number(value),
      [types.NUMERIC]: (value) => Number(value),
    },
  }).catch((cause: unknown) => {
    throw unopened(directory, cause);
  });
  if (isNew) {
    collectGarbage();
    await settleFolder(directory);
  }
  let closing: Promise<void> | undefined;
  const itself = queryable(lite);
  const transactionWithLast: Database["transactionWithLast"] = async (work, last) => {
    const { result } = await lite.transaction(async (tx) => {
      const statements = new TransactionStatements(queryable(tx));
      try {
        const made = await work(statements);
        const ending = await statements.last((closing) => last(closing, made));
        await statements.succeeded();
        return ending;
      } catch (error) {
        throw statements.reasonOf(error);
      }
    });
    return result;
  };

  return {
    kind: "embedded",
    ...itself,
    transaction: (work) => transactionWithLast(work, (_tx, made) => Promise.resolve(made)),
    transactionWithLast,
    atOnce: (work) => transactionWithLast(() => Promise.resolve(), work),
    // There is one connection, and it lasts as long as the database is open.
    session: () =>
      Promise.resolve({
        query: (sql, values) => run(lite, sql, values),
        listen: async (channel, heard) => {
          await lite.listen(channel, heard);
        },
        ended: new Promise(() => undefined),
        close: () => Promise.resolve(),
      }),
    upkeep: (signal) => keepUp(lite, signal),
    close: () => (closing ??= lite.close()),
  } satisfies Database;
}

/**
 * Making a database takes a second PostgreSQL, of hundreds of MiB. V8 does not count WebAssembly's memory, so that it would keep
 * that one until its next full collection, which an idle bridge may never need.
 */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  setFlagsFromString("--no-expose-gc");
  collect();
}

/** The numbers that WebAssembly gives the system's errors. */
const SYSTEM_ERRORS: Readonly<Record<number, string>> = {
  2: "EACCES",
  51: "ENOSPC",
  54: "ENOTDIR",
  63: "EPERM",
  69: "EROFS",
};

/** PostgreSQL ends on files that it can't use, and its end is an error of WebAssembly. */
function unopened(directory: string, cause: unknown): Error {
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string" && "path" in cause) return cause;
  const number: unknown = typeof cause === "object" && cause !== null && "errno" in cause ? cause.errno : undefined;
  const code = typeof number === "number" ? SYSTEM_ERRORS[number] : undefined;
  if (code !== undefined) {
    return Object.assign(new Error(`${code}: the database's files`), { code, path: directory, syscall: "open" });
  }
  const reason = cause instanceof Error ? (cause.message.split("\n", 1)[0] ?? "") : "no reason given";
  return databaseRefusal(`the files of the database in ${directory} can't be opened (${reason})`);
}

function queryable(target: Pick<PGlite, "query" | "exec">): Queryable {
  return { query: (sql, values) => run(target, sql, values), execute: (sql) => script(target, sql) };
}

async function run<R extends object = Row>(
  target: Pick<PGlite, "query">,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Result<R>> {
  try {
    const result = await target.query<R>(sql, [...values]);
    return { rows: result.rows, count: result.rows.length > 0 ? result.rows.length : (result.affectedRows ?? 0) };
  } catch (cause) {
    throw databaseError(cause);
  }
}

async function script(target: Pick<PGlite, "exec">, sql: string): Promise<void> {
  await target.exec(sql).catch((cause: unknown) => {
    throw databaseError(cause);
  });
}
