import fs from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { basename, dirname, join, relative } from "node:path";
import type { TestContext } from "node:test";

/** What is on the disk of a folder: the rest is lost when the power goes. */
export interface DurableFolder {
  /** Writes it into a new folder, as the next start after a power cut finds it. */
  writeTo(folder: string): void;
}

/**
 * Watches a folder as the most forgetful disk does that is allowed: a file's content is kept as it was at its last `fsync`, and
 * its name with it; a change of names (a file renamed or removed) is kept by the `fsync` of its folder. Whatever the folder
 * holds when the watching begins counts as kept.
 */
export async function watchDisk(test: TestContext, root: string): Promise<DurableFolder> {
  const contents = new Map<number, Buffer>();
  /** By folder and name, the file's number. */
  const names = new Map<string, Map<string, number>>();

  /** The paths of folders by their numbers, as the disk has them: a new name is kept by the `fsync` of the folder above. */
  const folders = new Map<number, string>();
  const keptPathOf = (folder: string): string => {
    const { ino } = fs.statSync(folder);
    const kept = folders.get(ino) ?? folder;
    folders.set(ino, kept);
    return kept;
  };
  const namesOf = (folder: string): Map<string, number> => {
    const known = names.get(folder) ?? new Map<string, number>();
    names.set(folder, known);
    return known;
  };
  /** A folder takes what it holds along. */
  const move = (from: string, to: string): void => {
    const moved = (path: string): string => to + path.slice(from.length);
    const isInside = (path: string): boolean => path === from || path.startsWith(`${from}/`);
    for (const [path, files] of [...names]) {
      if (!isInside(path)) continue;
      names.delete(path);
      names.set(moved(path), new Map([...files].map(([file, ino]) => [moved(file), ino])));
    }
    for (const [ino, path] of folders) if (isInside(path)) folders.set(ino, moved(path));
  };
  const keepFile = (path: string): void => {
    const { ino } = fs.statSync(path);
    contents.set(ino, fs.readFileSync(path));
    const folder = keptPathOf(dirname(path));
    namesOf(folder).set(join(folder, basename(path)), ino);
  };
  const keepFolder = (path: string): void => {
    const folder = keptPathOf(path);
    const known = namesOf(folder);
    known.clear();
    for (const entry of fs.readdirSync(path, { withFileTypes: true })) {
      const [now, kept] = [join(path, entry.name), join(folder, entry.name)];
      if (entry.isDirectory()) {
        const former = keptPathOf(now);
        if (former !== kept) move(former, kept);
        namesOf(kept);
      }
      // A file whose content was never kept is empty after the power cut.
      else known.set(kept, fs.statSync(now).ino);
    }
  };
  const keep = (path: string): void => {
    if (relative(root, path).startsWith("..")) return;
    if (fs.statSync(path).isDirectory()) keepFolder(path);
    else keepFile(path);
  };

  const keepOpen = (descriptor: number): void => {
    keep(fs.readlinkSync(`/proc/self/fd/${descriptor}`));
  };
  const { fsyncSync } = fs;
  test.mock.method(fs, "fsyncSync", (descriptor: number) => {
    fsyncSync(descriptor);
    keepOpen(descriptor);
  });
  await using handle = await open(root);
  const handles = Object.getPrototypeOf(handle) as FileHandle;
  const sync = Object.getOwnPropertyDescriptor(handles, "sync")?.value as (this: FileHandle) => Promise<void>;
  test.mock.method(handles, "sync", async function (this: FileHandle) {
    await sync.call(this);
    keepOpen(this.fd);
  });
  syncBuiltinESMExports();
  test.after(() => {
    test.mock.restoreAll();
    syncBuiltinESMExports();
  });
  for (const entry of fs.readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) keepFolder(path);
    else keepFile(path);
  }
  return {
    writeTo: (target) => {
      for (const [folder, files] of names) {
        fs.mkdirSync(join(target, relative(root, folder)), { recursive: true, mode: 0o700 });
        for (const [path, ino] of files) {
          fs.writeFileSync(join(target, relative(root, path)), contents.get(ino) ?? Buffer.alloc(0));
        }
      }
    },
  };
}
