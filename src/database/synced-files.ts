import { fsyncSync } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { NodeFS } from "@electric-sql/pglite/nodefs";

type Options = Parameters<NodeFS["init"]>[1];

/** The part of Emscripten's file system for Node.js that is used here; `tryFSOperation` turns a system's error into Emscripten's. */
interface EmscriptenNodeFiles {
  readonly stream_ops: { fsync?: (stream: { readonly nfd: number }) => number };
  tryFSOperation(operation: () => void): void;
}

/**
 * The files of the embedded database, on the disk as soon as PostgreSQL asks for it. PGlite's own file system takes `fsync` for
 * done without doing it: a power cut could lose what PostgreSQL had called committed. The asking is `fsync`, because PGlite
 * does nothing for `fdatasync` whatever its file system does.
 */
export class SyncedFiles extends NodeFS {
  override async init(lite: Parameters<NodeFS["init"]>[0], options: Options): ReturnType<NodeFS["init"]> {
    const { emscriptenOpts } = await super.init(lite, options);
    const sync = (module: { readonly NODEFS: unknown }): void => {
      const files = module.NODEFS as EmscriptenNodeFiles;
      files.stream_ops.fsync = ({ nfd }) => {
        files.tryFSOperation(() => {
          fsyncSync(nfd);
        });
        return 0;
      };
    };
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), sync] } };
  }
}

/**
 * Puts a new database's folder on the disk, with all that it holds, and closes it to other users: `initdb` of PGlite does neither.
 * Throws the file system's error.
 */
export async function settleFolder(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) await settle(path, 0o600);
    else if (entry.isDirectory()) await settle(path, 0o700);
  }
  await settle(folder, 0o700);
}

/** Puts the names in a folder on the disk. Throws the file system's error. */
export async function syncFolder(folder: string): Promise<void> {
  await using opened = await open(folder, "r");
  await opened.sync();
}

async function settle(path: string, mode: number): Promise<void> {
  await using file = await open(path, "r");
  await file.chmod(mode);
  await file.sync();
}
