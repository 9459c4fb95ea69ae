import type { Database } from "../database/database.ts";
import { isStorable } from "../database/text.ts";
import type { HomeserverClient } from "../homeserver/client.ts";
import { isHomeserverError, MatrixError } from "../homeserver/errors.ts";
import { timelineBefore } from "../homeserver/room-history.ts";
import { parseTransaction, type Transaction } from "../homeserver/transaction.ts";
import type { Logger } from "../observability/log.ts";

/** A room that a ghost of ours is in, and that ghost. */
interface Place {
  readonly room_id: string;
  readonly ghost: string;
}

/** What is missing is rarely more than the last few; more than this is not looked through. */
const FIRST_PAGE = 20;
const PAGE = 100;
const MAX_PAGES = 10;

/** How many rooms are read at once. */
const CONCURRENCY = 4;

/** How the search is made. */
export interface MissedEventsOptions {
  readonly database: Database;
  readonly client: HomeserverClient;
  /** Takes what was found, as a transaction would have brought it. */
  readonly deliver: (transaction: Transaction) => Promise<void>;
  /** Whether this process is the one to look, by the ghost that would. */
  readonly isOurs: (ghost: string) => boolean;
  readonly log: Logger;
}

/**
 * Room events that no transaction brought. Synapse notes how far it has told application services before it has written
 * down what it is about to tell; what was between the two when it ended is never told (`_notify_interested_services` in its
 * handlers/appservice.py). So whenever it may have restarted, the end of every room is read and compared with what is
 * known here.
 */
export class MissedEvents {
  readonly #options: MissedEventsOptions;

  constructor(options: MissedEventsOptions) {
    this.#options = options;
  }

  /** Looks through all rooms, a few at a time. A room that can't be read is passed over. Throws DatabaseError. */
  async find(signal: AbortSignal): Promise<void> {
    const { database, isOurs, log } = this.#options;
    const { rows } = await database.query<Place>(
      "select room_id, min(ghost) as ghost from memberships where membership = 'join' group by room_id order by room_id",
    );
    const waiting = rows.filter((place) => isOurs(place.ghost));
    let found = 0;
    const worker = async (): Promise<void> => {
      for (let place = waiting.shift(); place !== undefined && !signal.aborted; place = waiting.shift()) {
        found += await this.#findIn(place, signal);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
    if (found > 0) log.warn({ events: found }, "the homeserver had not told of all events; the missing ones were read");
  }

  async #findIn(place: Place, signal: AbortSignal): Promise<number> {
    const { deliver, log } = this.#options;
    try {
      const missing = await this.#missing(place, signal);
      if (missing.length > 0) await deliver(parseTransaction("missed", { events: missing }));
      return missing.length;
    } catch (error) {
      if (signal.aborted || !isHomeserverError(error)) throw error;
      // A ghost that is no longer there is of no interest; a homeserver that goes away again will be back.
      const isGone = error instanceof MatrixError && !error.retryable;
      log[isGone ? "debug" : "warn"]({ room: place.room_id, error }, "the room's timeline could not be read");
      return 0;
    }
  }

  /** What came after the newest event that is known, oldest first; nothing when none is known that far back. */
  async #missing({ room_id: roomId, ghost }: Place, signal: AbortSignal): Promise<unknown[]> {
    const missing: unknown[] = [];
    let from: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const limit = page === 0 ? FIRST_PAGE : PAGE;
      const { events, end } = await timelineBefore(this.#options.client, { userId: ghost }, roomId, {
        from,
        limit,
        signal,
      });
      const known = await this.#known(events.map((event) => event["event_id"]));
      for (const event of events) {
        if (known.has(event["event_id"])) return missing.reverse();
        missing.push(event);
      }
      if (end === undefined) break;
      from = end;
    }
    return [];
  }

  async #known(ids: readonly unknown[]): Promise<Set<unknown>> {
    const { rows } = await this.#options.database.query<{ event_id: string }>(
      "select event_id from events where event_id in (select json_array_elements_text($1::json))",
      [JSON.stringify(ids.filter((id) => typeof id === "string" && isStorable(id)))],
    );
    return new Set(rows.map((row) => row.event_id));
  }
}
