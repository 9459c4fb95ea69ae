import { link, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Logger } from "../observability/log.ts";
import { databaseError } from "./database.ts";

/**
 * Two processes that load the same ghost's device would each advance its ratchets, and what one sends the other's
 * readers could not decrypt. Until ghosts are shared out by leases, a database therefore has one bridge at a time.
 */
export class DatabaseInUse extends Error {
  override readonly name = "DatabaseInUse";
  readonly exitCode = 2;
}

/** A claim on a database that nobody else can have meanwhile. */
export interface SoleUse {
  /** Resolves with the reason when the claim was lost: from then on nothing may be written. Never rejects. */
  readonly lost: Promise<Error>;
  release(): Promise<void>;
}

/** Any constant: it names the session lock. */
const SOLE_USE_LOCK = 7_295_002;

/**
 * Takes a PostgreSQL session lock on a connection of its own. The server gives it back when that connection ends, so a
 * killed process leaves nothing behind. When the connection is lost the lock is taken again as soon as the server
 * answers; only when another process has it by then is the claim lost. (What the ghosts' devices write meanwhile is
 * fenced by the crypto store's own epochs.) Throws {@link DatabaseInUse}, or DatabaseError when the server is away.
 */
export async function claimPostgres(url: string, log: Logger): Promise<SoleUse> {
  let released = false;
  const isReleased = (): boolean => released;
  let current = await holdLock(url);
  const lost = (async (): Promise<Error> => {
    for (;;) {
      await current.ended;
      if (isReleased()) return await new Promise<never>(() => undefined);
      log.warn("the connection that holds the database lock has ended; taking it again");
      for (let waitMs = 500; ; waitMs = Math.min(waitMs * 2, 15_000)) {
        if (isReleased()) return await new Promise<never>(() => undefined);
        try {
          current = await holdLock(url);
          if (isReleased()) await current.client.end();
          break;
        } catch (error) {
          if (error instanceof DatabaseInUse) return error;
          await sleep(waitMs, undefined, { ref: false });
        }
      }
    }
  })();
  return {
    lost,
    release: async () => {
      released = true;
      await current.client.end();
    },
  };
}

interface HeldLock {
  readonly client: pg.Client;
  readonly ended: Promise<void>;
}

async function holdLock(url: string): Promise<HeldLock> {
  const client = new pg.Client({
    connectionString: url,
    application_name: "matrix-agents (lock)",
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  });
  const ended = new Promise<void>((resolve) => {
    client.on("end", resolve);
    client.on("error", () => {
      resolve();
    });
  });
  try {
    await client.connect();
    // A predecessor that was killed a moment ago may not have been noticed by the server yet.
    for (let attempt = 0; ; attempt++) {
      const answer = await client.query<{ locked: boolean }>("select pg_try_advisory_lock($1) as locked", [
        SOLE_USE_LOCK,
      ]);
      if (answer.rows[0]?.locked === true) return { client, ended };
      if (attempt === 20) {
        throw new DatabaseInUse(
          "another matrix-agents process is running on this database; stop it first, or give this one a database of its own",
        );
      }
      await sleep(100);
    }
  } catch (cause) {
    await client.end().catch(() => undefined);
    throw cause instanceof DatabaseInUse ? cause : databaseError(cause);
  }
}

/**
 * Claims a folder by a lock file that names this process. A file whose process is gone is taken over.
 * Throws {@link DatabaseInUse}.
 */
export async function claimDirectory(directory: string): Promise<SoleUse> {
  const path = join(directory, "matrix-agents.lock");
  const mine = `${process.pid} ${await startedAt(process.pid)}`;
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await putInPlace(path, mine)) {
      return { lost: new Promise(() => undefined), release: () => rm(path, { force: true }) };
    }
    const holder = await holderOf(path);
    if (await isRunning(holder)) {
      throw new DatabaseInUse(
        `another matrix-agents process (pid ${holder.split(" ")[0]}) is using ${directory}; stop it first, or set another data_dir. ` +
          "The embedded database takes one process; use PostgreSQL (database.url) for more",
      );
    }
    await removeStale(path, holder, mine);
  }
  throw new DatabaseInUse(`could not claim ${path}: another process keeps taking it`);
}

/**
 * Removes the file of a process that is gone. Of several that found it only the one with the guard may, and only while
 * it is still that file: otherwise the slower would remove what the faster has claimed meanwhile.
 */
async function removeStale(path: string, holder: string, mine: string): Promise<void> {
  const guard = `${path}.takeover`;
  if (!(await putInPlace(guard, mine))) {
    if (await isRunning(await holderOf(guard))) await sleep(20);
    else await rm(guard, { force: true });
    return;
  }
  try {
    if ((await holderOf(path)) === holder) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

/** Makes a file with its content at once, so that nobody ever sees it empty; false when there is one already. */
async function putInPlace(path: string, content: string): Promise<boolean> {
  const draft = `${path}.${process.pid}`;
  try {
    await writeFile(draft, content, { mode: 0o600 });
    await link(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** What a lock file says; empty when it has gone. */
function holderOf(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

async function isRunning(holder: string): Promise<boolean> {
  const [pid = "", since = ""] = holder.split(" ");
  return since !== "" && (await startedAt(Number(pid))) === since;
}

/**
 * When a process was started, as an opaque word; empty when it is not running. A process id alone would mistake a
 * stranger that was given the number of a killed bridge for the bridge.
 */
async function startedAt(pid: number): Promise<string> {
  if (!Number.isInteger(pid) || pid <= 0) return "";
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // Fields after the command's closing parenthesis; the start time is the 22nd of all.
  if (stat !== undefined) return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  try {
    process.kill(pid, 0);
    return "running";
  } catch {
    return "";
  }
}
