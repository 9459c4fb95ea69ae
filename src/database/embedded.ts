import { readdirSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { makeFolder } from "../config/make-folder.ts";
import { PGlite, types } from "@electric-sql/pglite";
import { databaseError, type Database, type Queryable, type Result, type Row } from "./database.ts";
import { damage, unopened } from "./embedded-damage.ts";
import { keepUp } from "./embedded-upkeep.ts";
import { SyncedFiles, settleFolder, syncFolder } from "./synced-files.ts";
import { TransactionStatements } from "./transaction-statements.ts";

/**
 * PostgreSQL fills its shared memory whatever the size of the database, and WebAssembly never gives memory back. Pages that are
 * not in its cache are in the system's; and there is one connection. PGlite switches `fsync` off where it is not switched on.
 */
const SETTINGS = ["shared_buffers=4MB", "max_connections=20", "fsync=on", "wal_sync_method=fsync"];

/**
 * Opens the embedded database (PGlite) in a folder; makes it where the folder is missing or empty. One process only: the caller
 * holds the folder's lock (see `sole-user.ts`). Statements run one at a time. Throws DatabaseError for files that are damaged, and
 * the file system's error.
 *
 * @param original the folder that errors name, where this one is a copy of it.
 * @param making called before a database is made, which takes seconds, on a slow disk half a minute.
 */
export async function openEmbedded(
  directory: string,
  original: string = directory,
  making: () => void = () => undefined,
): Promise<Database> {
  if (isUnused(directory, original)) {
    making();
    await makeEmbedded(directory);
    collectGarbage();
  }
  return databaseOf(await startPostgres(directory, original));
}

/**
 * Makes a database beside its place, and moves it there when it is whole and on the disk: what a process leaves that ends meanwhile
 * would be taken for a damaged database.
 */
async function makeEmbedded(directory: string): Promise<void> {
  const draft = `${directory}${DRAFT}`;
  await rm(draft, { recursive: true, force: true });
  await makeFolder(draft);
  const lite = await startPostgres(draft, directory);
  await lite.close();
  await settleFolder(draft);
  await rename(draft, directory);
  await syncFolder(dirname(directory));
}

/** The end of the name of a database that is being made. */
const DRAFT = ".new";

async function startPostgres(directory: string, original: string): Promise<PGlite> {
  const log: string[] = [];
  const lite = await PGlite.create({
    fs: new SyncedFiles(directory),
    onStderr: (line) => {
      log.push(line.slice(0, LONGEST_LINE));
      if (log.length > LINES_KEPT) log.shift();
      return true;
    },
    startParams: [...PGlite.defaultStartParams, ...SETTINGS.flatMap((setting) => ["-c", setting])],
    parsers: {
      [types.INT8]: (value) => Number(value),
      [types.NUMERIC]: (value) => Number(value),
    },
  }).catch((cause: unknown) => {
    throw unopened(original, log, cause);
  });
  log.length = 0;
  return lite;
}

function databaseOf(lite: PGlite): Database {
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
 * Making a database takes two PostgreSQLs, of hundreds of MiB. V8 does not count WebAssembly's memory, so that it would keep
 * them until its next full collection, which an idle bridge may never need.
 */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  setFlagsFromString("--no-expose-gc");
  collect();
}

/** The part of PostgreSQL's own log that is kept for the case of its end. */
const LINES_KEPT = 20;
const LONGEST_LINE = 1_000;

/** Whether there is no database yet. Throws the error for the rest of one. */
function isUnused(directory: string, original: string): boolean {
  let names: readonly string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return true;
    throw error;
  }
  if (names.length > 0 && !names.includes("PG_VERSION")) throw damage(original, "its file PG_VERSION is missing");
  return names.length === 0;
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
