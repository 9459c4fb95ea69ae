import { spawn } from "node:child_process";
import { type FileHandle, open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { QuickstartError } from "./errors.ts";

/** A lock that no other process has meanwhile. */
export interface Lock {
  /** Given to a child, it keeps the lock for as long as that child lives, too. */
  readonly fd: number;
  /** Whether the last holder was killed before it could give the lock back. */
  readonly afterCrash: boolean;
  release(): Promise<void>;
}

const ENDING_MS = 30_000;

/**
 * Takes the lock, and waits for the children of a holder that was killed. Throws {@link QuickstartError} when another
 * process has it.
 *
 * @param refusal the words for the person when it is held by this process, whose number is 0 when it is not known.
 */
export async function takeLock(path: string, refusal: (pid: number) => string, signal: AbortSignal): Promise<Lock> {
  const deadline = performance.now() + ENDING_MS;
  for (;;) {
    const result = await tryLock(path);
    if ("lock" in result) return result.lock;
    const { pid } = result.holder;
    if (pid === undefined || isAlive(pid) || performance.now() > deadline) throw new QuickstartError(refusal(pid ?? 0));
    await sleep(200, undefined, { signal });
  }
}

/**
 * Asks the process that has the lock to end and waits until it has. False when nobody had it. Throws
 * {@link QuickstartError} when it takes more than a minute.
 */
export async function endHolder(path: string, signal: AbortSignal): Promise<boolean> {
  const deadline = performance.now() + 2 * ENDING_MS;
  for (let asked = false; performance.now() < deadline;) {
    const result = await tryLock(path);
    if ("lock" in result) {
      await result.lock.release();
      return asked;
    }
    const { pid } = result.holder;
    if (!asked && pid !== undefined && isAlive(pid)) {
      process.kill(pid, "SIGTERM");
      asked = true;
    }
    await sleep(200, undefined, { signal });
  }
  throw new QuickstartError("it was asked to end and has not within a minute");
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process may not be asked, but is there.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** The result of {@link tryLock} when another process has the lock. */
export interface Holder {
  /** Undefined in the moment between its taking the lock and writing its number down. */
  readonly pid: number | undefined;
}

/**
 * Takes the lock on this file for as long as this process lives, or says who has it. It is the kernel's lock on an
 * open file, so a process that was killed holds it no longer, and there is nothing to clean up. Throws
 * {@link QuickstartError} when it cannot be tried.
 */
export async function tryLock(path: string): Promise<{ lock: Lock } | { holder: Holder }> {
  const file = await open(path, "a+", 0o600);
  let taken = false;
  try {
    taken = await flock(file);
    const left = await read(file);
    if (!taken) return { holder: { pid: /^\d+$/.test(left) ? Number(left) : undefined } };
    await file.truncate();
    await file.write(String(process.pid));
    return {
      lock: {
        fd: file.fd,
        afterCrash: left !== "",
        release: async () => {
          await file.truncate();
          await file.close();
        },
      },
    };
  } finally {
    if (!taken) await file.close();
  }
}

async function read(file: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(32), position: 0 });
  return buffer.toString("utf8", 0, bytesRead).trim();
}

/** Node has no flock. A lock taken by a child on a file it was given belongs to the open file, so it stays with us. */
function flock(file: FileHandle): Promise<boolean> {
  const program = `
import fcntl, sys
try:
    fcntl.flock(3, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit(75)
`;
  return new Promise((resolve, reject) => {
    const child = spawn("python3", ["-c", program], { stdio: ["ignore", "ignore", "ignore", file.fd] });
    child.once("error", (cause) => {
      reject(
        new QuickstartError(
          "Python 3 is needed and there is no python3 on the PATH. Install it (Debian and Ubuntu: apt install python3 python3-venv; macOS: brew install python).",
          { cause },
        ),
      );
    });
    child.once("exit", (code) => {
      if (code === 0) resolve(true);
      else if (code === 75) resolve(false);
      else
        reject(
          new QuickstartError(`could not lock the quickstart's folder (python3 ended with ${code ?? "a signal"})`),
        );
    });
  });
}
