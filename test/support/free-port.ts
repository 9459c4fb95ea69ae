import { randomInt } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Below the ports of outgoing connections (Linux starts at 32768): one of those may be taken again before its owner
 * listens there.
 */
const FIRST = 18_000;
const LAST = 32_000;

const TRIES = 100;

/**
 * A file for each port of a test's process, named after the port, with the process's id. A server that a test stops and
 * starts again must keep its port meanwhile, against all other test files.
 */
const CLAIMS = join(tmpdir(), "matrix-agents-test-ports");

const claimed: string[] = [];

/** A free TCP port of 127.0.0.1 that no other test gets while this process lives. */
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
    // The port is claimed. A killed process's claim is removed, and the next test that finds the port free gets it.
    if (!isAlive(owner(file))) rmSync(file, { force: true });
    return false;
  }
  claimed.push(file);
  return true;
}

function owner(file: string): number | null {
  try {
    // A claim is empty for a moment after it is made.
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
