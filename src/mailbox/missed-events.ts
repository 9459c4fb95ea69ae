import type { JsonObject } from "../matrix/json.ts";
import type { Database } from "../database/database.ts";
import { isStorable } from "../database/text.ts";
import type { HomeserverClient } from "../homeserver/client.ts";
import { isHomeserverError, MatrixError } from "../homeserver/errors.ts";
import { answeredEvent } from "../matrix/relation.ts";
import { timelineBefore } from "../homeserver/room-history.ts";
import { parseTransaction, type Transaction } from "../homeserver/transaction.ts";
import type { Logger } from "../observability/log.ts";
import { MISSED_INVITE } from "./missed-memberships.ts";

/** A room that a ghost of ours is in, and that ghost. */
interface Place {
  readonly room_id: string;
  readonly ghost: string;
}

/** How many events of a room are looked through; more only while what is missing goes on. */
const FIRST_PAGE = 30;
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
  readonly isGhost: (userId: string) => boolean;
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

  /** The events that are not known among the last ones, oldest first: never any from before all that are. */
  async #missing({ room_id: roomId, ghost }: Place, signal: AbortSignal): Promise<unknown[]> {
    const { client } = this.#options;
    const seen: { readonly event: JsonObject; readonly isKnown: boolean }[] = [];
    let from: string | undefined;
    let joinIsMissing = false;
    for (let page = 0; page < MAX_PAGES; page++) {
      const limit = page === 0 ? FIRST_PAGE : PAGE;
      const { events, end } = await timelineBefore(client, { userId: ghost }, roomId, { from, limit, signal });
      const known = await this.#known(events.map((event) => event["event_id"]));
      const joined = events.findIndex((event) => isJoinOf(ghost, event));
      const since = joined === -1 ? events : events.slice(0, joined + 1);
      seen.push(...since.map((event) => ({ event, isKnown: known.has(event["event_id"]) })));
      // Told of the invite and not of the join: then all since is missing.
      joinIsMissing =
        joined !== -1 &&
        (events.slice(joined + 1).some((event) => known.has(event["event_id"])) ||
          (!known.has(events[joined]?.["event_id"]) && (await this.#askedForInvite(roomId))));
      // Where a page ends with what is known, nothing was lost for a while before.
      if (joined !== -1 || end === undefined || seen.at(-1)?.isKnown === true) break;
      from = end;
    }
    const oldestKnown = seen.findLastIndex(({ isKnown }) => isKnown);
    // After an old backup of the database was restored, much is unknown that was answered long ago.
    const answered = new Set(seen.map(({ event }) => this.#answeredBy(event)));
    return seen
      .slice(0, joinIsMissing ? undefined : oldestKnown + 1)
      .filter(({ event, isKnown }) => !isKnown && !answered.has(event["event_id"]))
      .map(({ event }) => event)
      .reverse();
  }

  /** Whether an invite to a room was read that nothing had told of: it is not known by its true id. */
  async #askedForInvite(roomId: string): Promise<boolean> {
    const { rows } = await this.#options.database.query(
      "select 1 from events where room_id = $1 and starts_with(event_id, $2) limit 1",
      [roomId, MISSED_INVITE],
    );
    return rows.length > 0;
  }

  /** What an event of a ghost answers; the relation stands outside of the ciphertext. */
  #answeredBy({ sender, content }: JsonObject): unknown {
    if (typeof sender !== "string" || !this.#options.isGhost(sender)) return undefined;
    return answeredEvent((content ?? {}) as JsonObject);
  }

  async #known(ids: readonly unknown[]): Promise<Set<unknown>> {
    const { rows } = await this.#options.database.query<{ event_id: string }>(
      "select event_id from events where event_id in (select json_array_elements_text($1::json))",
      [JSON.stringify(ids.filter((id) => typeof id === "string" && isStorable(id)))],
    );
    return new Set(rows.map((row) => row.event_id));
  }
}

/**
 * What was said before its own join is none of a ghost's business, though it may have been there earlier. A new name is no
 * join.
 */
function isJoinOf(ghost: string, event: JsonObject): boolean {
  if (event["type"] !== "m.room.member" || event["state_key"] !== ghost) return false;
  const unsigned = event["unsigned"] as { prev_content?: unknown } | undefined;
  return membershipIn(event["content"]) === "join" && membershipIn(unsigned?.prev_content) !== "join";
}

function membershipIn(content: unknown): unknown {
  return (content as { membership?: unknown } | undefined)?.membership;
}
