import { access, constants, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { shellWord } from "../observability/shell-word.ts";
import { currentUser, nameOfUser } from "../observability/user-name.ts";
import { databaseRefusal } from "./database.ts";

/** The folder of the embedded database in a data folder. */
export function embeddedFolder(dataDir: string): string {
  return join(dataDir, "database");
}

/** Whether anything is in the folder: an empty one is no database. Throws the file system's error when that can't be told. */
export async function hasEmbedded(dataDir: string): Promise<boolean> {
  return ((await unlessMissing(readdir(embeddedFolder(dataDir))))?.length ?? 0) > 0;
}

async function unlessMissing<T>(looked: Promise<T>): Promise<T | undefined> {
  return looked.catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });
}

/**
 * Throws DatabaseError, in words for the admin, where this process would spoil the database for its owner, or can't
 * use it: the root user would leave files that the bridge can't open, and files that root left can't be opened now.
 */
export async function refuseForeignFolder(dataDir: string): Promise<void> {
  const self = currentUser();
  if (self === undefined) return;
  const folder = embeddedFolder(dataDir);
  const there = await unlessMissing(stat(folder));
  if (self.uid === 0) {
    const { uid } = there ?? (await unlessMissing(stat(dataDir))) ?? self;
    if (uid === 0) return;
    const owner = nameOfUser(uid);
    throw databaseRefusal(
      `the database in ${dataDir} belongs to ${owner}, and root would leave files there that ${owner} can't use`,
      { mend: `run this as that user: sudo -u ${owner} matrix-agents …` },
    );
  }
  if (there === undefined) return;
  const closed = await firstClosed(folder);
  if (closed === undefined) return;
  const owner = nameOfUser((await stat(closed)).uid);
  throw databaseRefusal(
    `${closed} in the database's folder belongs to ${owner}, and this user (${self.name}) can't use it`,
    { mend: `give the folder back: sudo chown -R ${self.name} ${shellWord(folder)}` },
  );
}

/** A file of the database that belongs to another user than its folder, as root leaves them; undefined when none does. */
export async function strayFile(
  dataDir: string,
): Promise<{ readonly path: string; readonly mend: string } | undefined> {
  const folder = embeddedFolder(dataDir);
  const { uid, gid } = await stat(folder);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const owner = await stat(path).then(
      (facts) => facts.uid,
      () => uid,
    );
    if (owner !== uid) return { path, mend: `sudo chown -R ${nameOfUser(uid)}:${gid} ${shellWord(folder)}` };
  }
  return undefined;
}

/** The first file of a folder that we can't read and write; undefined when there is none. */
async function firstClosed(folder: string): Promise<string | undefined> {
  if (!(await isOpen(folder, constants.R_OK | constants.W_OK | constants.X_OK))) return folder;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      const closed = await firstClosed(path);
      if (closed !== undefined) return closed;
    } else if (!(await isOpen(path, constants.R_OK | constants.W_OK))) return path;
  }
  return undefined;
}

async function isOpen(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    // A file that has just been removed closes nothing.
    (error: unknown) => error instanceof Error && "code" in error && error.code === "ENOENT",
  );
}
