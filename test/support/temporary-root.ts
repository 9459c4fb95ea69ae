import { access, constants, readFile, statfs } from "node:fs/promises";
import { freemem, tmpdir } from "node:os";

/** Linux's file system in memory. */
const IN_MEMORY = "/dev/shm";

/** More than a run writes there, in bytes; what is free of the memory must be more than that, too. */
const ENOUGH = 8 * 1024 ** 3;

/**
 * The folder for the temporary files of a run: in memory where there is plenty, because the tests make a hundred
 * thousand small files, most of them of databases. `TMPDIR` names another one.
 */
export async function temporaryRoot(): Promise<string> {
  if (process.env["TMPDIR"] !== undefined) return tmpdir();
  return (await isSuitable()) ? IN_MEMORY : tmpdir();
}

async function isSuitable(): Promise<boolean> {
  if (freemem() < ENOUGH) return false;
  try {
    await access(IN_MEMORY, constants.W_OK);
    const { bavail, bsize } = await statfs(IN_MEMORY);
    return bavail * bsize >= ENOUGH && runsPrograms(await readFile("/proc/mounts", "utf8"));
  } catch {
    return false;
  }
}

/** Whether programs may be run from there: PostgreSQL's are copied beside its data. */
function runsPrograms(mounts: string): boolean {
  const [, options] = new RegExp(`^\\S+ ${IN_MEMORY} tmpfs (\\S+)`, "m").exec(mounts) ?? [];
  return options?.split(",").includes("noexec") === false;
}
