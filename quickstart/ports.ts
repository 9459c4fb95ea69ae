import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** How long a port may still be held by a process of an earlier run that is just ending. */
const RELEASE_MS = 20_000;

/**
 * The preferred port of 127.0.0.1 when nobody listens on it, else a free one.
 *
 * @param wait whether to give the preferred one time to become free.
 */
export async function choosePort(preferred: number, wait: boolean, signal: AbortSignal): Promise<number> {
  const deadline = performance.now() + (wait ? RELEASE_MS : 0);
  for (;;) {
    const port = await tryPort(preferred);
    if (port !== undefined) return port;
    if (performance.now() >= deadline) break;
    await sleep(200, undefined, { signal });
  }
  const free = await tryPort(0);
  if (free === undefined) throw new Error("the system has no free port on 127.0.0.1");
  return free;
}

/** What a person must know who has written the former port down; undefined where it is still the same. */
export function portChange(program: string, before: number, now: number): string | undefined {
  if (before === now) return undefined;
  return `Another program listens on port ${before}, so ${program} listens on ${now} from now on.`;
}

/** Listens for a moment; 0 asks the system for any port. */
function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" || error.code === "EACCES") resolve(undefined);
      else reject(error);
    });
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === "object" ? address?.port : undefined);
      });
    });
  });
}
