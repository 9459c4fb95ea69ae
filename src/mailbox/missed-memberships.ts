import { randomUUID } from "node:crypto";
import type { HomeserverClient } from "../homeserver/client.ts";
import { isHomeserverError, MatrixError } from "../homeserver/errors.ts";
import { pendingInvites } from "../homeserver/invites.ts";
import { parseTransaction, type Transaction } from "../homeserver/transaction.ts";
import type { Logger } from "../observability/log.ts";

/** The ghosts asked about at once. */
const CONCURRENCY = 4;

/** The prefix of the id that such an invite gets here: the homeserver tells the invited user none. */
export const MISSED_INVITE = "$missed-invite-";

/** The surroundings of the search. */
export interface MissedMembershipsOptions {
  readonly client: HomeserverClient;
  /** Whether a ghost's invite to a room is known. */
  readonly isInvited: (ghost: string, roomId: string) => Promise<boolean>;
  /** Takes the found events as a transaction would have brought them. */
  readonly deliver: (transaction: Transaction) => Promise<void>;
  /** Asks for a ghost's rooms, and records those that were unknown. Returns their number. */
  readonly reconcile: (ghost: string, signal: AbortSignal) => Promise<number>;
  readonly log: Logger;
}

/**
 * Finds invites and joins of ghosts that no transaction brought. {@link MissedEvents} searches the rooms that a ghost
 * is known to be in; this class finds the other rooms.
 */
export class MissedMemberships {
  readonly #options: MissedMembershipsOptions;

  constructor(options: MissedMembershipsOptions) {
    this.#options = options;
  }

  /**
   * Asks about these ghosts, a few at a time. A failing one is skipped. Returns the number of rooms and invites that no
   * transaction had brought. Throws DatabaseError.
   */
  async find(ghosts: readonly string[], signal: AbortSignal): Promise<number> {
    const waiting = [...ghosts];
    let found = 0;
    const worker = async (): Promise<void> => {
      for (let ghost = waiting.shift(); ghost !== undefined && !signal.aborted; ghost = waiting.shift()) {
        found += await this.#findOf(ghost, signal);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
    return found;
  }

  async #findOf(ghost: string, signal: AbortSignal): Promise<number> {
    const { client, deliver, isInvited, reconcile, log } = this.#options;
    let found = 0;
    try {
      found += await reconcile(ghost, signal);
      for (const { roomId, event } of await pendingInvites(client, { userId: ghost }, { signal })) {
        if (await isInvited(ghost, roomId)) continue;
        log.warn({ ghost, room: roomId }, "the homeserver had not sent an invite; it was read");
        const invite = { ...event, room_id: roomId, event_id: `${MISSED_INVITE}${randomUUID()}` };
        await deliver(parseTransaction("missed", { events: [invite] }));
        found++;
      }
    } catch (error) {
      if (signal.aborted || !isHomeserverError(error)) throw error;
      const isGone = error instanceof MatrixError && !error.retryable;
      log[isGone ? "debug" : "warn"]({ ghost, error }, "the ghost's invites could not be read");
    }
    return found;
  }
}
