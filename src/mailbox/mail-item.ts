import type { RoomEvent } from "../homeserver/transaction.ts";

/** An event waiting for a ghost. */
export interface MailItem {
  readonly id: number;
  readonly event: RoomEvent;
  /** How long it has waited for its key, in ms by the database's clock; 0 when it did not have to. */
  readonly lateMs: number;
  /** Whether an earlier try never came to its end. */
  readonly isSuspect: boolean;
}

/** The key that an item waits for. */
export interface AwaitedKey {
  readonly sessionId: string;
  /** Why the sender keeps it back, if it said so: a code of `m.room_key.withheld`. */
  readonly withheld?: string;
}
