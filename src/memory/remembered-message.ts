import type { Attachment } from "../matrix/attachments.ts";

/** A message as an agent remembers it. */
export interface RememberedMessage {
  readonly eventId: string;
  readonly author: "person" | "agent";
  readonly sender: string;
  /** The sender's name in the room. */
  readonly speaker: string;
  readonly body: string;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
  /** On an answer: the position of its question. */
  readonly answers?: number;
  /** A file that came with it. */
  readonly attachment?: Attachment | undefined;
  /** Its thread. */
  readonly threadRoot?: string | undefined;
  /** Whether it came encrypted, or was made from encrypted messages. */
  readonly encrypted: boolean;
  /** The event that it replies to; empty for an event that the agent must not read. */
  readonly repliesTo?: string | undefined;
  /** On a person's message: the warning of a strict client, if any. */
  readonly shield?: string;
}

/** A message that was looked up. */
export interface FoundMessage extends RememberedMessage {
  /** Whether it is stored only because of a reply, and stands in no conversation. */
  readonly isOnlyQuoted: boolean;
}

/** A message with its place among the turns of its conversation: an answer stands where its question does. */
export interface PlacedMessage extends RememberedMessage {
  readonly turnPosition: number;
}

/** The message that an edit changes. */
export interface Edited {
  readonly ghost: string;
  readonly roomId: string;
  readonly eventId: string;
  /** The editor: nobody can change another person's words. */
  readonly sender: string;
  /** Whether the edit came encrypted. */
  readonly encrypted: boolean;
}
