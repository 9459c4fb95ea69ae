import { randomUUID } from "node:crypto";
import { link, rename, rm, writeFile } from "node:fs/promises";

/** A file was not written: it is there already, or its folder can't be written. */
export class NotWritten extends Error {
  override readonly name = "NotWritten";
  readonly exitCode = 2;
}

/**
 * Writes a file that only its owner can read, whole or not at all. Throws {@link NotWritten}.
 *
 * @param how.overwrite Whether what stands there goes.
 * @param how.otherwise Said when something stands there, after that it is left as it is.
 */
export async function writeSecretFile(
  file: string,
  text: string,
  how: { readonly overwrite: boolean; readonly otherwise?: string },
): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  try {
    await writeFile(draft, text, { mode: 0o600, flag: "wx", flush: true });
    // Unlike rename, link refuses where something stands already.
    if (how.overwrite) await rename(draft, file);
    else await link(draft, file);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new NotWritten(
      code === "EEXIST"
        ? `${file} exists already and is left as it is${how.otherwise === undefined ? "" : `; ${how.otherwise}`}`
        : `${file} can't be written (${code})`,
      { cause: error },
    );
  } finally {
    await rm(draft, { force: true });
  }
}
