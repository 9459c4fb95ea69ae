import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { writeBackup } from "../../src/backup/backup-file.ts";
import { temporaryDirectory } from "./temporary.ts";

/** A backup with nothing in it, sealed with a key that nobody has: for a command that meets an obstacle before it reads it. */
export async function emptyBackup(): Promise<string> {
  const path = join(await temporaryDirectory("backup"), "backup");
  await writeBackup(
    path,
    () => randomBytes(32),
    () => Promise.resolve(),
  );
  return path;
}
