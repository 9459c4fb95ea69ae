import { spawn } from "node:child_process";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Exit } from "./children.ts";
import { venvPython } from "./venv.ts";

const STOP_TIMEOUT_MS = 15_000;

export interface PythonOptions {
  /** A Python environment made by `ensureVenv`. */
  readonly venv: string;
  readonly args: readonly string[];
  readonly directory: string;
  /** Its output is added to this file; with `pipeOutput`, only its standard error. */
  readonly logFile: string;
  readonly pipeOutput?: boolean;
}

/** A Python program. Its standard input, which it has to watch, closes when this process ends, however that comes about. */
export interface PythonChild {
  /** Its process id; undefined where it could not be started. */
  readonly pid: number | undefined;
  /** Its standard output, where that was asked for. */
  readonly stdout: Readable | null;
  /** Resolves when the process is gone. Never rejects. */
  readonly exited: Promise<Exit>;
  /** Asks it to end, and ends it when it takes more than 15 s. */
  stop(): Promise<void>;
  /** Sends a signal to the process and does not wait. */
  kill(signal: NodeJS.Signals): void;
}

/** Starts a Python program. A process group of its own keeps the terminal's Ctrl-C from it: its parent decides when it ends. */
export async function startPython(options: PythonOptions): Promise<PythonChild> {
  const { venv, args, directory, logFile, pipeOutput = false } = options;
  const log = await open(logFile, "a", 0o600);
  const child = spawn(venvPython(venv), args, {
    cwd: directory,
    stdio: ["pipe", pipeOutput ? "pipe" : log.fd, log.fd],
    detached: true,
  });
  const exited = new Promise<Exit>((done) => {
    child.once("exit", (code, signal) => {
      done({ code, signal });
    });
    child.once("error", () => {
      done({ code: null, signal: null });
    });
  });
  await log.close();
  return {
    pid: child.pid,
    stdout: child.stdout,
    exited,
    kill: (signal) => {
      child.kill(signal);
    },
    async stop() {
      const deadline = new AbortController();
      child.kill("SIGTERM");
      // A process stopped by SIGSTOP would never see the SIGTERM.
      child.kill("SIGCONT");
      const late = sleep(STOP_TIMEOUT_MS, "late" as const, { signal: deadline.signal }).catch(() => "in time" as const);
      if ((await Promise.race([exited, late])) === "late") child.kill("SIGKILL");
      await exited;
      deadline.abort();
      await late;
    },
  };
}
