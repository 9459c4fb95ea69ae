import { readFile } from "node:fs/promises";
import { familyOf, processes } from "./processes.ts";

/** The memory of processes, in MiB. */
export interface Memory {
  /** A page that several processes share counts for each by its part. */
  readonly pss: number;
  readonly rss: number;
}

/** The memory of these processes and their descendants. Linux only. */
export async function memoryOf(roots: readonly number[]): Promise<Memory> {
  const family = familyOf(await processes(), roots);
  const texts = await Promise.all(
    // A process may end while it is looked at.
    family.map(({ pid }) => readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "")),
  );
  const sum = (field: string): number =>
    texts.reduce((sum, text) => sum + Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0), 0) /
    1024;
  return { pss: sum("Pss"), rss: sum("Rss") };
}
