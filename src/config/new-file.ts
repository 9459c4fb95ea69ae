import { randomUUID } from "node:crypto";
import { link, open, rename, rm, writeFile } from "node:fs/promises";
import { fileFault } from "../observability/file-fault.ts";

/** The errors of `link` on file systems without links, such as memory sticks and network shares. */
const NO_LINKS: ReadonlySet<unknown> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

/**
 * Writes a new file that only its owner can read, whole or not at all: neither a full disk nor the end of the process leaves a part
 * of it under its name. Throws {@link FileFault}, whose cause has the code `EEXIST` where the name is taken, and the error of `before`.
 *
 * @param before done when the text is on the disk, before the file has its name.
 */
export async function writeNewFile(
  path: string,
  text: string,
  before: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  const refuse = (error: unknown): never => {
    throw fileFault(error, path, "written");
  };
  try {
    await writeFile(draft, text, { mode: 0o600, flag: "wx", flush: true }).catch(refuse);
    await before();
    await nameNewFile(draft, path).catch(refuse);
  } finally {
    await rm(draft, { force: true });
  }
}

/** Gives a complete file its name, unless the name is taken, even by a file made meanwhile. Throws the file system's error. */
export async function nameNewFile(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && NO_LINKS.has(error.code))) throw error;
    // The whole file replaces an empty one that nobody else can have made.
    await (await open(path, "wx", 0o600)).close();
    await rename(draft, path);
  }
}
