import type { Attachment } from "../matrix/attachments.ts";

/** A message as an agent remembers it. */
export interface RememberedMessage {
  readonly eventId: string;
  readonly author: "person" | "agent";
  readonly sender: string;
  /** The name the sender went by in the room. */
  readonly speaker: string;
  readonly body: string;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
  /** With an answer: the position of its question. */
  readonly answers?: number;
  /** A file that came with it. */
  readonly attachment?: Attachment | undefined;
  /** The thread it stands in. */
  readonly threadRoot?: string | undefined;
  /** Whether it came encrypted, or was made of what did. */
  readonly encrypted: boolean;
  /** The event that it replies to; empty: one that the agent is not to read. */
  readonly repliesTo?: string | undefined;
  /** With a person's message: what a strict client shows beside it, when not all is well with it. */
  readonly shield?: string;
}

/** A message that was looked up. */
export interface FoundMessage extends RememberedMessage {
  /** Whether it is remembered for a reply to it alone, and stands in no conversation itself. */
  readonly isOnlyQuoted: boolean;
}

/** A message with its place among the turns of its conversation: an answer stands where its question does. */
export interface PlacedMessage extends RememberedMessage {
  readonly turnPosition: number;
}

/** The message that an edit is of. */
export interface Edited {
  readonly ghost: string;
  readonly roomId: string;
  readonly eventId: string;
  /** Who edits it: nobody can change another's words. */
  readonly sender: string;
  /** Whether the edit came encrypted. */
  readonly encrypted: boolean;
}
