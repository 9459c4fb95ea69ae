import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { Exit } from "../../quickstart/synapse.ts";

export interface ProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  /**
   * The signal that ends the process when this one dies; another one than `SIGKILL` where that would leave something
   * behind.
   */
  readonly lastSignal?: NodeJS.Signals;
}

/** A child process that never outlives this one, with everything it printed. */
export interface Process {
  readonly pid: number;
  /** Resolves when the process has ended. Never rejects. */
  readonly exited: Promise<Exit>;
  /** The exit code or signal; `undefined` while it runs. */
  exit(): Exit | undefined;
  /** The lines printed so far. */
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
  /** Called with every further line of standard output. */
  onLine(listener: (line: string) => void): void;
  /** Called with every further piece of standard output, unchanged. */
  onOutput(listener: (chunk: Buffer) => void): void;
  /** Writes a line to standard input. */
  write(line: string): void;
  /** Writes to standard input. */
  type(text: string): void;
  kill(signal: NodeJS.Signals): void;
  /** Asks it to end and resolves when it has; after `timeoutMs` by SIGKILL. */
  stop(options?: { signal?: NodeJS.Signals; timeoutMs?: number }): Promise<Exit>;
}

/** Starts a process. Throws when there is no such command. */
export async function startProcess(options: ProcessOptions): Promise<Process> {
  const child = spawn(options.command, options.args, {
    stdio: ["pipe", "pipe", "pipe"],
    // A Node that finds this variable reports as a test file.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...options.env },
    // A group of its own: Ctrl-C reaches this process only, which then ends its children in order.
    detached: true,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  const pid = await new Promise<number>((started, failed) => {
    child.once("error", failed);
    child.once("spawn", () => {
      started(child.pid ?? 0);
    });
  });
  const guard = guardProcess(pid, options.lastSignal ?? "SIGKILL");

  let exit: Exit | undefined;
  const exited = new Promise<Exit>((ended) => {
    child.once("close", (code, signal) => {
      exit = { code, signal };
      guard.kill("SIGKILL");
      ended(exit);
    });
  });
  const listeners: ((line: string) => void)[] = [];
  const stdout: string[] = [];
  const stderr: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    stdout.push(line);
    for (const listener of listeners) listener(line);
  });
  createInterface({ input: child.stderr }).on("line", (line) => stderr.push(line));
  // Writing to a process that has just ended is no fault of the writer; `exited` reports its end.
  child.stdin.on("error", () => undefined);

  return {
    pid,
    exited,
    exit: () => exit,
    stdout,
    stderr,
    onLine: (listener) => listeners.push(listener),
    onOutput: (listener) => child.stdout.on("data", listener),
    write: (line) => child.stdin.write(`${line}\n`),
    type: (text) => child.stdin.write(text),
    kill: (signal) => {
      child.kill(signal);
    },
    async stop({ signal = "SIGTERM", timeoutMs = 15_000 } = {}) {
      child.kill(signal);
      const inTime = new AbortController();
      const late = sleep(timeoutMs, true, { signal: inTime.signal, ref: false }).catch(() => false);
      const hung = await Promise.race([exited.then(() => false), late]);
      if (hung) child.kill("SIGKILL");
      const ended = await exited;
      inTime.abort();
      return ended;
    },
  };
}

/** The end of what a process printed, for an error message. */
export function lastLines(process: Process, count = 25): string {
  return [...process.stdout.slice(-count), ...process.stderr.slice(-count)].join("\n");
}

/** A shell that does nothing until its standard input is closed, which happens when this process ends, even by SIGKILL. */
function guardProcess(pid: number, signal: NodeJS.Signals): ChildProcess {
  const script = 'cat > /dev/null; kill -s "$1" "$2"';
  const guard = spawn("/bin/sh", ["-c", script, "guard", signal.replace("SIG", ""), String(pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.unref();
  return guard;
}
