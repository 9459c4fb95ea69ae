import { randomInt } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Below the ports that systems hand to outgoing connections (Linux begins at 32768): one of those may be taken again before
 * whoever asked for it listens there.
 */
const FIRST = 18_000;
const LAST = 32_000;

const TRIES = 100;

/**
 * A file for each port that a process of a test has, named for the port, with the process's id in it. A server that a test
 * stops and starts again needs its port to itself meanwhile too, from all the test files that run beside it.
 */
const CLAIMS = join(tmpdir(), "matrix-agents-test-ports");

const claimed: string[] = [];

/** A TCP port of 127.0.0.1 that nobody listens on at this moment, and that no other test gets while this process lives. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < TRIES; tried++) {
    const port = randomInt(FIRST, LAST);
    if (claim(port) && (await isFree(port))) return port;
  }
  throw new Error("the system has no free port");
}

function claim(port: number): boolean {
  if (claimed.length === 0) process.once("exit", () => claimed.forEach((file) => rmSync(file, { force: true })));
  mkdirSync(CLAIMS, { recursive: true });
  const file = join(CLAIMS, String(port));
  try {
    writeFileSync(file, String(process.pid), { flag: "wx" });
  } catch {
    // Somebody has it. Where a killed process left its claim, the port goes to whoever next finds nothing there.
    if (!isAlive(owner(file))) rmSync(file, { force: true });
    return false;
  }
  claimed.push(file);
  return true;
}

function owner(file: string): number | null {
  try {
    // A claim is empty for the moment between being made and being written.
    return Number(readFileSync(file, "utf8")) || null;
  } catch {
    return null;
  }
}

function isAlive(pid: number | null): boolean {
  if (pid === null) return true;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}
