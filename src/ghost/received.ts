import type { Shield } from "../crypto/shield.ts";
import type { ReceivedContent } from "../matrix/received-content.ts";

/** A message that reached a ghost, decrypted where it was encrypted. */
export interface GhostMessage {
  readonly eventId: string;
  readonly roomId: string;
  readonly sender: string;
  /** Milliseconds since 1970, by the sender's server. */
  readonly sentAt: number;
  readonly content: ReceivedContent;
  /** Whether the room is a direct chat of the sender with the ghost, as of now. */
  readonly direct: boolean;
  /** Whether it was encrypted, so that the homeserver can't have made it up. */
  readonly encrypted: boolean;
  /** How long it had to wait for its key, in ms by our own clock. */
  readonly lateMs: number;
  /** What a strict client shows beside it; undefined when all is well, or when it was not encrypted. */
  readonly shield: Shield | undefined;
}

/** The deletion of an event. */
export interface GhostRedaction {
  readonly roomId: string;
  /** Who deleted it. */
  readonly sender: string;
  /** The event that was deleted. */
  readonly target: string;
}

/** A reaction to an event (spec "Event annotations and reactions"). */
export interface GhostReaction {
  readonly eventId: string;
  readonly roomId: string;
  readonly sender: string;
  /** The event that it is attached to. */
  readonly target: string;
  readonly key: string;
}

/** A message that can't be read, as people are told of it. */
export interface UnreadMessage {
  readonly eventId: string;
  readonly roomId: string;
  readonly threadRoot: string | undefined;
  /** The ghost that can't read it. */
  readonly ghost: string;
  /** Why the sender keeps the key back, if it said so: a code of `m.room_key.withheld`. */
  readonly withheld: string | undefined;
}
