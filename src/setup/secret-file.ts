import { randomUUID } from "node:crypto";
import { chmod, chown, link, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { reasonOfFileError } from "../observability/file-fault.ts";
import { OperatorError, type Saying } from "../observability/operator-error.ts";

/** A file was not written: it exists already, or its folder can't be written. */
class NotWritten extends OperatorError<"NotWritten"> {
  override readonly name = "NotWritten";
}

/** An overwritten file keeps the rights of its owner and group; others get none. */
const RIGHTS_KEPT = 0o770;

/**
 * Writes a file that only its owner can read, whole or not at all. An overwritten file keeps its owner, its group and
 * their rights, because the homeserver may read it through them; a link keeps its target. Throws {@link NotWritten}.
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
    if (how.overwrite) await overwrite(await targetOf(file), text);
    // Unlike rename, link fails where a file exists.
    else await byDraft(file, text, (draft) => link(draft, file));
  } catch (error) {
    throw new NotWritten(explain(file, error, how), { cause: error });
  }
}

async function overwrite(file: string, text: string): Promise<void> {
  await byDraft(file, text, async (draft) => {
    await takeRights(draft, file);
    await rename(draft, file);
  });
}

/** Writes a draft beside a file and moves it into place. */
async function byDraft(file: string, text: string, place: (draft: string) => Promise<void>): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  try {
    await writeFile(draft, text, { mode: 0o600, flag: "wx", flush: true });
    await place(draft);
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

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

function explain(
  file: string,
  error: unknown,
  how: { readonly overwrite: boolean; readonly otherwise?: string },
): Saying<"NotWritten"> {
  const code = codeOf(error);
  if (code === "EEXIST") {
    return `${file} exists already and is left as it is${how.otherwise === undefined ? "" : `; ${how.otherwise}`}`;
  }
  if (code === "EPERM" && how.overwrite) {
    return `${file} is left as it is: this user can't keep its owner and group; do this as its owner, or as root`;
  }
  return `${file} can't be written: ${reasonOfFileError(error, file)}`;
}
