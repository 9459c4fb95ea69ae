import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** The resources that a program and all that it starts may use together. */
export interface TreeLimits {
  /** Resident memory, in bytes. */
  readonly maxMemoryBytes: number;
  readonly maxProcesses: number;
}

/** The interval between two looks, in ms. */
const WATCH_MS = 250;

const PAGE_BYTES = 4_096;

/**
 * Watches a process and its descendants, where the system tells about them (Linux). Resolves with the reason once they
 * use too much, and with undefined when the watching ends.
 */
export async function watchTree(
  pid: number,
  { maxMemoryBytes, maxProcesses }: TreeLimits,
  signal: AbortSignal,
): Promise<string | undefined> {
  while (!signal.aborted) {
    const pids = await treeOf(pid, maxProcesses);
    if (pids.length > maxProcesses) return `it runs more than ${maxProcesses} processes`;
    const sizes = await Promise.all(pids.map(memoryOf));
    if (sizes.reduce((sum, size) => sum + size, 0) > maxMemoryBytes)
      return `it takes more than ${maxMemoryBytes} bytes of memory`;
    await sleep(WATCH_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
  return undefined;
}

/** A process and its descendants, up to one more than `most`. */
async function treeOf(pid: number, most: number): Promise<readonly number[]> {
  const pids = [pid];
  for (let at = 0; at < pids.length && pids.length <= most; at++) {
    // Each thread has children of its own.
    const threads = await readdir(`/proc/${pids[at] ?? ""}/task`).catch(() => []);
    const children = await Promise.all(
      threads.map((thread) => textOf(`/proc/${pids[at] ?? ""}/task/${thread}/children`)),
    );
    pids.push(...children.join(" ").split(" ").filter(Boolean).map(Number));
  }
  return pids;
}

async function memoryOf(pid: number): Promise<number> {
  const [, resident = "0"] = (await textOf(`/proc/${pid}/statm`)).split(" ");
  return Number(resident) * PAGE_BYTES;
}

/** Empty where the process has ended, or the system has no such file. */
async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch {
    return "";
  }
}
