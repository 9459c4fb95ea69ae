import { randomUUID } from "node:crypto";
import type { HomeserverClient } from "../homeserver/client.ts";
import { isHomeserverError, MatrixError } from "../homeserver/errors.ts";
import { pendingInvites } from "../homeserver/invites.ts";
import { parseTransaction, type Transaction } from "../homeserver/transaction.ts";
import type { Logger } from "../observability/log.ts";

/** How many ghosts are asked about at once. */
const CONCURRENCY = 4;

/** What the id begins with that an invite is given here: the homeserver tells none to who is invited. */
export const MISSED_INVITE = "$missed-invite-";

/** How the search is made. */
export interface MissedMembershipsOptions {
  readonly client: HomeserverClient;
  /** The ghosts that this process is to ask about. */
  readonly ghosts: () => readonly string[];
  /** Whether it is known that a ghost is invited to a room. */
  readonly isInvited: (ghost: string, roomId: string) => Promise<boolean>;
  /** Takes what was found, as a transaction would have brought it. */
  readonly deliver: (transaction: Transaction) => Promise<void>;
  /** Asks in which rooms a ghost is, and notes those it was not known to be in. */
  readonly reconcile: (ghost: string, signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
}

/**
 * Invites and joins of ghosts that no transaction told of. {@link MissedEvents} looks into the rooms that a ghost is known
 * to be in; this finds the others.
 */
export class MissedMemberships {
  readonly #options: MissedMembershipsOptions;

  constructor(options: MissedMembershipsOptions) {
    this.#options = options;
  }

  /** Asks about every ghost, a few at a time. One that can't be asked about is passed over. Throws DatabaseError. */
  async find(signal: AbortSignal): Promise<void> {
    const waiting = [...this.#options.ghosts()];
    const worker = async (): Promise<void> => {
      for (let ghost = waiting.shift(); ghost !== undefined && !signal.aborted; ghost = waiting.shift()) {
        await this.#findOf(ghost, signal);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  }

  async #findOf(ghost: string, signal: AbortSignal): Promise<void> {
    const { client, deliver, isInvited, reconcile, log } = this.#options;
    try {
      await reconcile(ghost, signal);
      for (const { roomId, event } of await pendingInvites(client, { userId: ghost }, { signal })) {
        if (await isInvited(ghost, roomId)) continue;
        log.warn({ ghost, room: roomId }, "the homeserver had not told of an invite; it was read");
        const invite = { ...event, room_id: roomId, event_id: `${MISSED_INVITE}${randomUUID()}` };
        await deliver(parseTransaction("missed", { events: [invite] }));
      }
    } catch (error) {
      if (signal.aborted || !isHomeserverError(error)) throw error;
      const isGone = error instanceof MatrixError && !error.retryable;
      log[isGone ? "debug" : "warn"]({ ghost, error }, "the ghost's invites could not be read");
    }
  }
}
