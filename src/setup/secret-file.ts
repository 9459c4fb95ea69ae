import { randomUUID } from "node:crypto";
import { statSync } from "node:fs";
import { chmod, chown, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { writeNewFile } from "../config/new-file.ts";
import { FileFault, fileFault } from "../observability/file-fault.ts";
import { OperatorError } from "../observability/operator-error.ts";

/** A file that exists already is left as it is. */
class NotWritten extends OperatorError<"NotWritten"> {
  override readonly name = "NotWritten";
}

/** An overwritten file keeps the rights of its owner and group; others get none. */
const RIGHTS_KEPT = 0o770;

/**
 * Writes a file that only its owner can read, whole or not at all. An overwritten file keeps its owner, its group and
 * their rights, because the homeserver may read it through them; a link keeps its target. Throws {@link NotWritten} and
 * FileFault.
 *
 * @param how.overwrite whether an existing file is replaced.
 * @param how.otherwise the hint for the case that a file exists and is left as it is.
 */
export async function writeSecretFile(
  file: string,
  text: string,
  how: { readonly overwrite: boolean; readonly otherwise?: string },
): Promise<void> {
  try {
    await (how.overwrite ? overwrite(await targetOf(file), text) : writeNewFile(file, text));
  } catch (error) {
    throw explain(file, error instanceof FileFault ? error.cause : error, how);
  }
}

async function overwrite(file: string, text: string): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  try {
    await writeFile(draft, text, { mode: 0o600, flag: "wx", flush: true });
    await takeRights(draft, file);
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}

/** The target of a link; the file itself when it is no link, or does not exist yet. */
async function targetOf(file: string): Promise<string> {
  return (await unlessMissing(realpath(file))) ?? file;
}

async function takeRights(draft: string, file: string): Promise<void> {
  const before = await unlessMissing(stat(file));
  if (before === undefined) return;
  const { uid, gid } = await stat(draft);
  if (uid !== before.uid || gid !== before.gid) await chown(draft, before.uid, before.gid);
  await chmod(draft, before.mode & RIGHTS_KEPT);
}

function unlessMissing<T>(looked: Promise<T>): Promise<T | undefined> {
  return looked.catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  });
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

function explain(
  file: string,
  error: unknown,
  how: { readonly overwrite: boolean; readonly otherwise?: string },
): Error {
  const code = codeOf(error);
  if (code === "EEXIST" && isFolder(file)) return fileFault({ code: "EISDIR" }, file, "written");
  if (code === "EEXIST") {
    const otherwise = how.otherwise === undefined ? "" : `; ${how.otherwise}`;
    return new NotWritten(`${file} exists already and is left as it is${otherwise}`, { cause: error });
  }
  if (code === "EPERM" && how.overwrite) {
    return new NotWritten(
      `${file} is left as it is: this user can't keep its owner and group; do this as its owner, or as root`,
      { cause: error },
    );
  }
  return fileFault(error, file, "written");
}
