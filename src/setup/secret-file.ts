import { randomUUID } from "node:crypto";
import { chmod, chown, link, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { OperatorError, type Saying } from "../observability/operator-error.ts";

/** A file was not written: it is there already, or its folder can't be written. */
class NotWritten extends OperatorError<"NotWritten"> {
  override readonly name = "NotWritten";
}

/** What owner and group may do with a file that is written over they may go on to do; others nothing. */
const RIGHTS_KEPT = 0o770;

/**
 * Writes a file that only its owner can read, whole or not at all. One that is written over keeps its owner, its group and
 * what these may do, for the homeserver may read it by them; a link leads where it led. Throws {@link NotWritten}.
 *
 * @param how.overwrite Whether what stands there goes.
 * @param how.otherwise Said when something stands there, after that it is left as it is.
 */
export async function writeSecretFile(
  file: string,
  text: string,
  how: { readonly overwrite: boolean; readonly otherwise?: string },
): Promise<void> {
  try {
    if (how.overwrite) await overwrite(await targetOf(file), text);
    // Unlike rename, link refuses where something stands already.
    else await byDraft(file, text, (draft) => link(draft, file));
  } catch (error) {
    throw new NotWritten(explain(file, codeOf(error), how), { cause: error });
  }
}

async function overwrite(file: string, text: string): Promise<void> {
  await byDraft(file, text, async (draft) => {
    await takeRights(draft, file);
    await rename(draft, file);
  });
}

/** Writes a draft beside a file and puts it into its place. */
async function byDraft(file: string, text: string, place: (draft: string) => Promise<void>): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  try {
    await writeFile(draft, text, { mode: 0o600, flag: "wx", flush: true });
    await place(draft);
  } finally {
    await rm(draft, { force: true });
  }
}

/** Where a link leads; the file itself when it is none, or there is nothing yet. */
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
  code: string,
  how: { readonly overwrite: boolean; readonly otherwise?: string },
): Saying<"NotWritten"> {
  if (code === "EEXIST") {
    return `${file} exists already and is left as it is${how.otherwise === undefined ? "" : `; ${how.otherwise}`}`;
  }
  if (code === "EPERM" && how.overwrite) {
    return `${file} is left as it is: this user can't keep its owner and group; do this as its owner, or as root`;
  }
  return `${file} can't be written (${code})`;
}
