import { spawn, type StdioOptions } from "node:child_process";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A script that runs in a process of its own. It ends when this process does, however that comes about. */
export interface Child {
  /** The child's output, when it was asked for by `output: "pipe"`. */
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** Resolves when the process is gone. Never rejects. */
  readonly exited: Promise<Exit>;
  /** Asks it and all it started to end, and ends them when that takes more than 15 s. Idempotent. */
  stop(): Promise<void>;
}

const STOP_TIMEOUT_MS = 15_000;
const LIFE_LINE = import.meta.resolve("./life-line.ts");

export interface ChildOptions {
  /** A file descriptor for all it writes, or `pipe` to read it here. */
  readonly output: number | "pipe";
  /** A file descriptor that it holds open for as long as it lives. */
  readonly hold?: number;
  /** Options of Node. */
  readonly node?: readonly string[];
  /** Variables beside those of this process. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Runs a script with this Node.
 *
 * @param script relative URL of the script, seen from this module.
 */
export function startChild(script: string, args: readonly string[], options: ChildOptions): Child {
  const { output, hold, node = [], env = {} } = options;
  const stdio: StdioOptions = ["pipe", output, output, hold ?? "ignore"];
  const path = fileURLToPath(import.meta.resolve(script));
  // A process group of its own keeps the terminal's Ctrl-C from it: its parent decides when it ends.
  const child = spawn(process.execPath, [...node, "--import", LIFE_LINE, path, ...args], {
    stdio,
    detached: true,
    env: { ...process.env, ...env },
  });
  child.stdin?.on("error", () => child.stdin?.destroy());
  const exited = new Promise<Exit>((resolve) => {
    child.once("exit", (code, signal) => {
      resolve({ code, signal });
    });
    child.once("error", () => {
      resolve({ code: null, signal: null });
    });
  });
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    signalGroup(child.pid, "SIGTERM");
    const deadline = new AbortController();
    const late = sleep(STOP_TIMEOUT_MS, "late" as const, { signal: deadline.signal }).catch(() => "in time" as const);
    if ((await Promise.race([exited, late])) === "late") signalGroup(child.pid, "SIGKILL");
    await exited;
    deadline.abort();
    await late;
  };
  return { stdout: child.stdout, stderr: child.stderr, exited, stop: () => (stopping ??= stop()) };
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
