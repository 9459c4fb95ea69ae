import { spawn, type ChildProcess } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";

/** The resources that a process may use before it is ended. */
export interface ProcessLimits {
  readonly timeoutMs: number;
  /** Resident memory, in bytes: looked at every {@link WATCH_MS}, where the system tells (Linux). */
  readonly maxMemoryBytes: number;
  readonly maxOutputBytes: number;
}

/** A process has exceeded its limits, or has failed. The message holds none of its input or output. */
export class ProcessEnded extends Error {
  override readonly name = "ProcessEnded";
}

/** The system can't start a process now; the same call may succeed later. */
export class ProcessNotStarted extends Error {
  override readonly name = "ProcessNotStarted";
}

/**
 * The interval between two looks at a process's memory, in ms. A process that takes a gigabyte a second then exceeds
 * its limit by a few tens of megabytes.
 */
const WATCH_MS = 20;

const PAGE_BYTES = 4_096;

/**
 * Runs a program without our environment, gives it `input`, and resolves with its output. The program is killed when it
 * exceeds its limits, which throws {@link ProcessEnded}, or when the signal aborts, which throws its reason. Throws
 * {@link ProcessNotStarted} when it can't be started.
 */
export async function runBounded(
  program: { readonly file: string; readonly args: readonly string[] },
  input: Uint8Array,
  { timeoutMs, maxMemoryBytes, maxOutputBytes }: ProcessLimits,
  signal?: AbortSignal,
): Promise<Buffer> {
  signal?.throwIfAborted();
  const child = spawn(program.file, program.args, { env: {}, stdio: ["pipe", "pipe", "ignore"] });
  const over = Promise.withResolvers<never>();
  const end = (why: Error): void => over.reject(why);
  const timer = setTimeout(() => end(new ProcessEnded("it took too long")), timeoutMs);
  const abort = (): void => end(signal?.reason as Error);
  signal?.addEventListener("abort", abort, { once: true });
  const watched = new AbortController();
  watchMemory(child, maxMemoryBytes, watched.signal).then(end, () => undefined);
  const pieces: Buffer[] = [];
  let length = 0;
  child.stdout.on("data", (piece: Buffer) => {
    length += piece.length;
    if (length > maxOutputBytes) end(new ProcessEnded("it said too much"));
    else pieces.push(piece);
  });
  // A program that has ended does not read the rest.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const ended = new Promise<Buffer>((resolve, reject) => {
    child.once("error", (cause) => {
      reject(
        child.pid === undefined
          ? new ProcessNotStarted("no process was started", { cause })
          : new ProcessEnded(cause.name),
      );
    });
    child.once("close", (code, killedBy) => {
      if (code === 0) resolve(Buffer.concat(pieces));
      else reject(new ProcessEnded(`it ended with ${killedBy ?? `exit code ${code ?? "unknown"}`}`));
    });
  });
  try {
    return await Promise.race([ended, over.promise]);
  } finally {
    clearTimeout(timer);
    watched.abort();
    signal?.removeEventListener("abort", abort);
    child.kill("SIGKILL");
    await ended.catch(() => undefined);
  }
}

/** Resolves with the reason to end the process; rejects when the watching ends, or the system gives no numbers. */
async function watchMemory({ pid }: ChildProcess, maxBytes: number, signal: AbortSignal): Promise<ProcessEnded> {
  // If memory still runs out, the system should end this process instead of the bridge.
  await writeFile(`/proc/${pid ?? ""}/oom_score_adj`, "1000", { signal });
  for (;;) {
    const [, resident = "0"] = (await readFile(`/proc/${pid ?? ""}/statm`, { encoding: "utf8", signal })).split(" ");
    if (Number(resident) * PAGE_BYTES > maxBytes) return new ProcessEnded("it took too much memory");
    await pause(WATCH_MS, undefined, { signal });
  }
}
