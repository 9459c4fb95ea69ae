import { readdir, readFile } from "node:fs/promises";

/** A process as `/proc/PID/stat` has it; see proc(5). */
export interface ProcessTimes {
  readonly pid: number;
  readonly parent: number;
  /** Its processor time, and that of its children that have ended and were waited for, in ms. */
  readonly cpuMs: number;
}

/** A clock tick in `/proc`: USER_HZ, which is 100 wherever Node runs on Linux. */
const TICK_MS = 10;

/** Reads the text of `/proc/PID/stat`. The name of the program, in brackets, may hold blanks and brackets itself. */
export function parseStat(text: string): ProcessTimes {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { pid: Number.parseInt(text, 10), parent: Number(fields[1]), cpuMs: ticks * TICK_MS };
}

/** Those of these ids and all their descendants, each once. */
export function familyOf(all: readonly ProcessTimes[], roots: readonly number[]): ProcessTimes[] {
  const family = new Set(roots);
  for (let size = 0; size < family.size;) {
    size = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  }
  return all.filter(({ pid }) => family.has(pid));
}

/** All processes of this machine. Linux only. */
export async function processes(): Promise<ProcessTimes[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  // A process may end while it is looked at.
  const texts = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")));
  return texts.filter((text) => text !== "").map(parseStat);
}

/**
 * The processor time of these processes and their descendants so far, in ms. Ended processes count too: their waiting
 * parent has their time, like PostgreSQL's first process for its ended connections.
 */
export function cpuOf(all: readonly ProcessTimes[], roots: readonly number[]): number {
  return familyOf(all, roots).reduce((sum, { cpuMs }) => sum + cpuMs, 0);
}
