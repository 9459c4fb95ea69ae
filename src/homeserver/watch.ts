import type { Logger } from "../observability/log.ts";
import { asObject } from "./answer.ts";
import type { HomeserverClient } from "./client.ts";
import { isHomeserverError } from "./errors.ts";
import { pause, retryDelayMs } from "./retry.ts";

/** How long the homeserver may keep a request, in ms, and the most that it may take beyond that. */
const POLL_MS = 30_000;
const LEEWAY_MS = 15_000;

/**
 * Keeps a request open at the homeserver, as clients do, so that its end is noticed at once even when nobody else asks
 * for anything: a restart takes a few seconds, and the client's `onReturn` is what makes us look for what was lost in it.
 * Ends with `signal` only; never rejects.
 *
 * @param userId a user of ours, as which nothing is done with what the answers hold.
 */
export async function watchHomeserver(
  client: HomeserverClient,
  userId: string,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const isOver = (): boolean => signal.aborted;
  let since: string | undefined;
  let failures = 0;
  while (!isOver()) {
    try {
      const answer = await client.request({
        method: "GET",
        path: "/_matrix/client/v3/sync",
        query: {
          since,
          timeout: String(POLL_MS),
          set_presence: "offline",
          filter: JSON.stringify({ room: { rooms: [] }, presence: { types: [] }, account_data: { types: [] } }),
        },
        as: { userId },
        timeoutMs: POLL_MS + LEEWAY_MS,
        signal,
      });
      const next = asObject(answer, "GET sync")["next_batch"];
      // One that answers at once and does not move on would be asked in a tight loop.
      if (typeof next !== "string" || next === since) await pause(1_000, signal);
      since = typeof next === "string" ? next : undefined;
      failures = 0;
    } catch (error) {
      if (isOver()) return;
      // Asked without a place it answers at once, so that its return is noticed at once.
      since = undefined;
      const waitMs = retryDelayMs(error, ++failures);
      log.debug({ error: isHomeserverError(error) ? error.message : error, waitMs }, "the homeserver is not there");
      await pause(waitMs, signal).catch(() => undefined);
    }
  }
}
