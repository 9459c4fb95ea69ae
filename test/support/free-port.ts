import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * Below the ports that systems hand to outgoing connections (Linux begins at 32768): one of those may be taken again before
 * whoever asked for it listens there.
 */
const FIRST = 18_000;
const LAST = 32_000;

const TRIES = 100;

/** Ports that were given out here before: their owners may not listen yet. */
const given = new Set<number>();

/** A TCP port of 127.0.0.1 that nobody listens on at this moment, and that nobody gets by chance. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < TRIES; tried++) {
    const port = randomInt(FIRST, LAST);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error("the system has no free port");
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}
