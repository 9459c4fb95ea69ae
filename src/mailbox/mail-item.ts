import type { RoomEvent } from "../homeserver/transaction.ts";

/** An event waiting for a ghost. */
export interface MailItem {
  readonly id: number;
  readonly event: RoomEvent;
  /** The time it has waited for its key, in ms by the database's clock; 0 when it did not wait. */
  readonly lateMs: number;
  /** Whether an earlier attempt never ended. */
  readonly isSuspect: boolean;
}

/** The key that an item waits for. */
export interface AwaitedKey {
  readonly sessionId: string;
  /** The sender's reason for not sending the key, if given: a code of `m.room_key.withheld`. */
  readonly withheld?: string;
}
