import type { Shield } from "../crypto/shield.ts";
import type { ReceivedContent } from "../matrix/received-content.ts";
import type { RoomSettings } from "../rooms/settings.ts";

/** A message to a ghost, decrypted if necessary. */
export interface GhostMessage {
  readonly eventId: string;
  readonly roomId: string;
  readonly sender: string;
  /** Milliseconds since 1970, by the sender's server. */
  readonly sentAt: number;
  readonly content: ReceivedContent;
  /** Whether the room is now a direct chat of the sender with the ghost. */
  readonly direct: boolean;
  /** Whether it is the last line of a direct chat, as far as known. */
  readonly isLatest: boolean;
  /** The sender's name for a model, where it is known; else {@link GhostHandle.speakerOf} says it. */
  readonly speaker: string | undefined;
  /** The room's own settings for the ghost. */
  readonly settings: RoomSettings;
  /** Whether it was encrypted, so that the homeserver can't have invented it. */
  readonly encrypted: boolean;
  /** The time that it waited for its key, in ms by our own clock. */
  readonly lateMs: number;
  /** The warning that a strict client would show; undefined when there is none, or the message was not encrypted. */
  readonly shield: Shield | undefined;
}

/** The deletion of an event. */
export interface GhostRedaction {
  readonly roomId: string;
  /** The user who deleted it. */
  readonly sender: string;
  /** The deleted event. */
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

/** An unreadable message, for a notice. */
export interface UnreadMessage {
  readonly eventId: string;
  readonly roomId: string;
  readonly threadRoot: string | undefined;
  /** The ghost that can't read it. */
  readonly ghost: string;
  /** The sender's reason for not sending the key, if given: a code of `m.room_key.withheld`. */
  readonly withheld: string | undefined;
}
