import type { Logger } from "../observability/log.ts";
import { asObject } from "./answer.ts";
import type { HomeserverClient } from "./client.ts";
import { isHomeserverError } from "./errors.ts";
import { lookAgainMs, pause } from "./retry.ts";
import { NO_ROOM_EVENTS } from "./sync-filter.ts";

/** The time for which the homeserver may hold a request, in ms, and the most that it may take beyond that. */
const POLL_MS = 30_000;
const LEEWAY_MS = 15_000;

/**
 * Keeps a request open at the homeserver, as clients do, so that a restart is noticed at once even without other calls.
 * A restart takes a few seconds, and the client's `onReturn` starts the search for what was lost in it. Ends only by
 * `signal`; never rejects.
 *
 * @param userId a user of ours; the answers are not used.
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
          filter: JSON.stringify({
            room: { rooms: [], ...NO_ROOM_EVENTS },
            presence: { types: [] },
            account_data: { types: [] },
          }),
        },
        as: { userId },
        timeoutMs: POLL_MS + LEEWAY_MS,
        signal,
      });
      const next = asObject(answer, "GET sync")["next_batch"];
      // A server that answers at once without a new position would be asked in a tight loop.
      if (typeof next !== "string" || next === since) await pause(1_000, signal);
      since = typeof next === "string" ? next : undefined;
      failures = 0;
    } catch (error) {
      if (isOver()) return;
      // Without a position it answers at once, so its return is noticed at once.
      since = undefined;
      const waitMs = lookAgainMs(error, ++failures);
      log.debug(
        { error: isHomeserverError(error) ? error.message : error, waitMs },
        "the watch of the homeserver got no answer",
      );
      await pause(waitMs, signal).catch(() => undefined);
    }
  }
}
