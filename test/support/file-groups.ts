import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** One or several test files, with their size in bytes. */
export interface SizedFiles {
  readonly paths: readonly string[];
  readonly size: number;
}

/**
 * Spreads files over a number of groups of about the same size; the largest group comes first, and in it the largest
 * file.
 */
export function groupsOf(files: readonly SizedFiles[], count: number): SizedFiles[] {
  const groups = Array.from({ length: Math.min(count, files.length) }, () => ({ paths: [] as string[], size: 0 }));
  for (const { paths, size } of bySize(files)) {
    const smallest = groups.reduce((least, group) => (group.size < least.size ? group : least));
    smallest.paths.push(...paths);
    smallest.size += size;
  }
  return bySize(groups);
}

/** The largest first, so that none of them runs alone at the end. */
export function bySize<T extends SizedFiles>(files: readonly T[]): T[] {
  return files.toSorted((a, b) => b.size - a.size || (String(a.paths) < String(b.paths) ? -1 : 1));
}

/**
 * One list of several, each spread over it and in its own order. Lists take about the same time, so an item of a list of n takes one
 * part in n: the last one comes so early that it does not run alone at the end.
 */
export function interleaved<T>(lists: readonly (readonly T[])[]): T[] {
  return lists
    .flatMap((list) => list.map((item, index) => ({ item, at: (index / list.length) * (1 - 1 / list.length) })))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** Writes a test file that runs the tests of all these files in one process; for a single file returns that file. */
export async function asOneFile(paths: readonly string[], directory: string, name: string): Promise<string> {
  const [only, another] = paths;
  if (only !== undefined && another === undefined) return only;
  const path = join(directory, `${name}.test.mjs`);
  await writeFile(path, paths.map((file) => `import ${JSON.stringify(pathToFileURL(file).href)};\n`).join(""));
  return path;
}
