import { constants, readdirSync, statSync } from "node:fs";
import { copyFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../config/make-folder.ts";

/** File systems tell the time of a change no finer than this, in ms: a file that has just changed may change again unseen. */
const COARSEST_TIME_MS = 2_000n;

/** The facts by which a file shows that it has changed. */
interface Facts {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  /** Whether a later change of the file shows in them. */
  readonly isSettled: boolean;
}

/**
 * A copy of a folder that others write into. It is made in two passes, so that they have to wait only for what they have changed
 * meanwhile. Links are left out.
 */
export class FolderCopy {
  readonly #from: string;
  readonly #to: string;
  readonly #copied = new Map<string, Facts>();

  /** @param to the folder to make. */
  constructor(from: string, to: string) {
    this.#from = from;
    this.#to = to;
  }

  /** Copies what is there. Throws the file system's error. */
  async prepare(): Promise<void> {
    for (const name of await this.#files()) {
      try {
        await this.#copy(name);
      } catch (error) {
        // It was removed meanwhile.
        if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
      }
    }
  }

  /** Makes the copy equal to the folder, into which nobody may write meanwhile. Throws the file system's error. */
  async finish(): Promise<void> {
    const names = await this.#files();
    for (const name of names) if (this.#mayDiffer(name)) await this.#copy(name);
    const there = new Set(names);
    for (const name of this.#copied.keys()) if (!there.has(name)) await rm(join(this.#to, name), { force: true });
  }

  /** The names of all files; makes their folders. */
  async #files(): Promise<string[]> {
    const names: string[] = [];
    await makeFolder(this.#to);
    // At once, because a thousand small questions to the thread pool would take ten times as long.
    for (const entry of readdirSync(this.#from, { recursive: true, withFileTypes: true })) {
      const name = join(entry.parentPath.slice(this.#from.length), entry.name);
      if (entry.isDirectory()) await makeFolder(join(this.#to, name));
      else if (entry.isFile()) names.push(name);
    }
    return names;
  }

  #mayDiffer(name: string): boolean {
    const before = this.#copied.get(name);
    if (before?.isSettled !== true) return true;
    const { size, mtimeNs } = this.#factsOf(name);
    return size !== before.size || mtimeNs !== before.mtimeNs;
  }

  async #copy(name: string): Promise<void> {
    const facts = this.#factsOf(name);
    // Where the file system can, both share the blocks on the disk.
    await copyFile(join(this.#from, name), join(this.#to, name), constants.COPYFILE_FICLONE);
    this.#copied.set(name, facts);
  }

  #factsOf(name: string): Facts {
    const { size, mtimeNs, mtimeMs } = statSync(join(this.#from, name), { bigint: true });
    return { size, mtimeNs, isSettled: BigInt(Date.now()) - mtimeMs > COARSEST_TIME_MS };
  }
}
