import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isRunningProcess } from "../concurrency/running-process.ts";
import { reasonOfFileError } from "../observability/file-fault.ts";
import type { Database, Queryable } from "./database.ts";
import { openEmbedded } from "./embedded.ts";
import { embeddedFolder } from "./embedded-folder.ts";
import { FolderCopy } from "./folder-copy.ts";

/** A larger database is not copied into the folder of temporary files: it would fill it. */
const LARGEST_BYTES = 2 * 1024 ** 3;

/** The pause between two statements by which a held transaction shows that it is needed, in ms. */
const SIGN_OF_LIFE_MS = 500;

/** The beginning of the name of a copy in the data folder; the id of the process that made it follows. */
const COPY = "copy-for-backup-";

/** The database can't be copied, which is no fault of its own. */
export class NotCopied extends Error {
  override readonly name = "NotCopied";
}

/**
 * Reads the embedded database of a stopped bridge from a copy: PostgreSQL writes into a folder that it opens, even when
 * nobody asks it to, and the files would belong to the user who looks. Throws {@link NotCopied}, DatabaseError, the file
 * system's error, and the error of `read`.
 */
export async function readCopy<T>(dataDir: string, read: (database: Database) => Promise<T>): Promise<T> {
  const folder = embeddedFolder(dataDir);
  const bytes = await sizeOf(folder);
  if (bytes > LARGEST_BYTES) throw new NotCopied(`${folder} has ${bytes} bytes`);
  const room = tmpdir();
  const temporary = await mkdtemp(join(room, "matrix-agents-doctor-")).catch((error: unknown) => {
    throw new NotCopied(`${room}: ${reasonOfFileError(error, room)}`, { cause: error });
  });
  try {
    const copy = join(temporary, "database");
    await new FolderCopy(folder, copy).finish();
    return await readAndClose(copy, folder, read);
  } catch (error) {
    if (!isFull(error)) throw error;
    throw new NotCopied(`${room}: ${reasonOfFileError({ code: "ENOSPC" }, room)}`, { cause: error });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Whether the disk of a copy is full: as the system says it, or as PostgreSQL does. */
function isFull(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOSPC" || code === "EDQUOT" || code === "53100";
}

/**
 * Reads the embedded database of a running bridge, as it is at one moment, from a copy in the data folder. The bridge's
 * statements wait while the files are copied that it changed during the first copying, and not while the copy is read. Throws
 * DatabaseError, also when that takes longer than a command's transaction may, the file system's error, and the errors of `ask`
 * and `read`.
 *
 * @param ask asks the bridge's database at the same moment.
 */
export async function readHeldCopy<A, T>(
  served: Database,
  dataDir: string,
  ask: (tx: Queryable) => Promise<A>,
  read: (copy: Database, asked: A) => Promise<T>,
): Promise<T> {
  await removeAbandoned(dataDir);
  const temporary = await mkdtemp(join(dataDir, `${COPY}${process.pid}-`));
  try {
    const folder = join(temporary, "database");
    const copy = new FolderCopy(embeddedFolder(dataDir), folder);
    await copy.prepare();
    const asked = await served.transaction(async (tx) => {
      const answer = await ask(tx);
      await whileHeld(tx, copy.finish());
      return answer;
    });
    return await readAndClose(folder, embeddedFolder(dataDir), (database) => read(database, asked));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Waits for the end of some work in a transaction that has nothing else to ask. */
async function whileHeld(tx: Queryable, work: Promise<void>): Promise<void> {
  const done = work.then(() => true);
  while (!(await Promise.race([done, sleep(SIGN_OF_LIFE_MS, false)]))) await tx.query("select");
}

async function readAndClose<T>(copy: string, original: string, read: (database: Database) => Promise<T>): Promise<T> {
  const database = await openEmbedded(copy, original);
  try {
    return await read(database);
  } finally {
    await database.close();
  }
}

/** Removes the copies of processes that were killed. */
async function removeAbandoned(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    const [, pid] = new RegExp(`^${COPY}(\\d+)-`).exec(name) ?? [];
    if (pid !== undefined && !isRunningProcess(Number(pid)))
      await rm(join(dataDir, name), { recursive: true, force: true });
  }
}

async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    bytes += entry.isDirectory() ? await sizeOf(path) : (await stat(path)).size;
  }
  return bytes;
}
