import { cp, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Database } from "../database/database.ts";
import { openEmbedded } from "../database/embedded.ts";
import { reasonOfFileError } from "../observability/file-fault.ts";
import { embeddedFolder } from "../database/embedded-folder.ts";

/** A larger database is not copied: it would fill the folder of temporary files. */
const LARGEST_BYTES = 2 * 1024 ** 3;

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
    await cp(folder, copy, { recursive: true }).catch((error: unknown) => {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      throw code === "ENOSPC" || code === "EDQUOT"
        ? new NotCopied(`${room}: ${reasonOfFileError(error, room)}`, { cause: error })
        : error;
    });
    const database = await openEmbedded(copy);
    try {
      return await read(database);
    } finally {
      await database.close();
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
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
