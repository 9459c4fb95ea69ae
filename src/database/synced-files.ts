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

/** Puts a folder on the disk, with all that it holds: `initdb` of PGlite doesn't. Throws the file system's error. */
export async function syncFolder(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() || entry.isDirectory()) await syncFile(join(entry.parentPath, entry.name));
  }
  await syncFile(folder);
}

async function syncFile(path: string): Promise<void> {
  await using file = await open(path, "r");
  await file.sync();
}
