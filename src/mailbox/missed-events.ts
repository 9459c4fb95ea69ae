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

/** A room, and a ghost that is in it. */
interface GhostInRoom {
  readonly room_id: string;
  readonly ghost: string;
}

/** The events read from each room. More pages follow only while events are missing. */
const FIRST_PAGE = 30;
const PAGE = 100;
const MAX_PAGES = 10;

/** The rooms read at once. */
const CONCURRENCY = 4;

/** The surroundings of the search. */
export interface MissedEventsOptions {
  readonly database: Database;
  readonly client: HomeserverClient;
  /** Takes the found events as a transaction would have brought them. */
  readonly deliver: (transaction: Transaction) => Promise<void>;
  /** Whether this process does the search for a ghost. */
  readonly isOurs: (ghost: string) => boolean;
  readonly isGhost: (userId: string) => boolean;
  readonly log: Logger;
}

/**
 * Finds room events that no transaction brought. Synapse marks events as sent to application services before it stores
 * the transaction; when it ends between the two, the events are never sent (`_notify_interested_services` in its
 * handlers/appservice.py). So whenever Synapse may have restarted, the end of every room is read and compared with the
 * stored events.
 */
export class MissedEvents {
  readonly #options: MissedEventsOptions;

  constructor(options: MissedEventsOptions) {
    this.#options = options;
  }

  /**
   * Searches all rooms, a few at a time. An unreadable room is skipped. Returns the number of events that no transaction
   * had brought. Throws DatabaseError.
   *
   * @param areExpected whether this homeserver is known to send some events never.
   * @param ofOthers whether other processes do not search now, so that this one also searches the rooms of their ghosts.
   */
  async find(signal: AbortSignal, { areExpected = false, ofOthers = false } = {}): Promise<number> {
    const { database, isOurs, log } = this.#options;
    const { rows } = await database.query<GhostInRoom>(
      "select room_id, min(ghost) as ghost from memberships where membership = 'join' group by room_id order by room_id",
    );
    const waiting = rows.filter(({ ghost }) => ofOthers || isOurs(ghost));
    let found = 0;
    const worker = async (): Promise<void> => {
      for (let one = waiting.shift(); one !== undefined && !signal.aborted; one = waiting.shift()) {
        found += await this.#findIn(one, signal);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
    const level = areExpected ? "info" : "warn";
    if (found > 0) log[level]({ events: found }, "the homeserver had not sent all events; the missing ones were read");
    return found;
  }

  async #findIn(one: GhostInRoom, signal: AbortSignal): Promise<number> {
    const { deliver, log } = this.#options;
    try {
      const missing = await this.#missing(one, signal);
      if (missing.length > 0) await deliver(parseTransaction("missed", { events: missing }));
      return missing.length;
    } catch (error) {
      if (signal.aborted || !isHomeserverError(error)) throw error;
      // A ghost that left the room is expected, and a homeserver that goes away again will be back.
      const isGone = error instanceof MatrixError && !error.retryable;
      log[isGone ? "debug" : "warn"]({ room: one.room_id, error }, "the room's timeline could not be read");
      return 0;
    }
  }

  /** The unknown events among the last ones, oldest first. Events from before the oldest known one are never taken. */
  async #missing({ room_id: roomId, ghost }: GhostInRoom, signal: AbortSignal): Promise<unknown[]> {
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
      // The invite is known and the join is not: then everything since the join is missing.
      joinIsMissing =
        joined !== -1 &&
        (events.slice(joined + 1).some((event) => known.has(event["event_id"])) ||
          (!known.has(events[joined]?.["event_id"]) && (await this.#askedForInvite(roomId))));
      // A known event at the end of a page means that nothing was lost just before it.
      if (joined !== -1 || end === undefined || seen.at(-1)?.isKnown === true) break;
      from = end;
    }
    const oldestKnown = seen.findLastIndex(({ isKnown }) => isKnown);
    // After the restore of an old backup, many unknown events were answered long ago.
    const answered = new Set(seen.map(({ event }) => this.#answeredBy(event)));
    return seen
      .slice(0, joinIsMissing ? undefined : oldestKnown + 1)
      .filter(({ event, isKnown }) => !isKnown && !answered.has(event["event_id"]))
      .map(({ event }) => event)
      .reverse();
  }

  /** Whether the ghost acted on an invite that no transaction brought: such an invite has no true id. */
  async #askedForInvite(roomId: string): Promise<boolean> {
    const { rows } = await this.#options.database.query(
      "select 1 from events where room_id = $1 and starts_with(event_id, $2) limit 1",
      [roomId, MISSED_INVITE],
    );
    return rows.length > 0;
  }

  /** The event that a ghost's event answers; the relation stands outside the ciphertext. */
  #answeredBy({ sender, content }: JsonObject): unknown {
    if (typeof sender !== "string" || !this.#options.isGhost(sender)) return undefined;
    return answeredEvent((content ?? {}) as JsonObject);
  }

  async #known(ids: readonly unknown[]): Promise<Set<unknown>> {
    const { rows } = await this.#options.database.query<{ event_id: string }>(
      "select event_id from events where event_id = any($1::text[])",
      [ids.filter((id) => typeof id === "string" && isStorable(id))],
    );
    return new Set(rows.map((row) => row.event_id));
  }
}

/**
 * A ghost must not read messages from before its own join, even if it was in the room earlier. A change of its name is
 * no join.
 */
function isJoinOf(ghost: string, event: JsonObject): boolean {
  if (event["type"] !== "m.room.member" || event["state_key"] !== ghost) return false;
  const unsigned = event["unsigned"] as { prev_content?: unknown } | undefined;
  return membershipIn(event["content"]) === "join" && membershipIn(unsigned?.prev_content) !== "join";
}

function membershipIn(content: unknown): unknown {
  return (content as { membership?: unknown } | undefined)?.membership;
}
