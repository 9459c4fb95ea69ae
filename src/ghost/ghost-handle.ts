import type { ReceivedContent } from "../matrix/received-content.ts";
import type { Relation } from "../matrix/relation.ts";
import type { Logger } from "../observability/log.ts";
import type { SendOptions } from "./form.ts";

/** An event of a room that was looked up, in clear and in its newest form. */
export interface ReadEvent {
  readonly eventId: string;
  readonly sender: string;
  /** Milliseconds since 1970, by the sender's server. */
  readonly sentAt: number;
  readonly content: ReceivedContent;
  /** Whether it, or an edit of it, came encrypted. */
  readonly encrypted: boolean;
}

/** What of an event stands outside its ciphertext. */
export interface EventOutside {
  readonly sender: string;
  readonly relation: Relation;
}

/** A file on the homeserver. */
export interface GhostFile {
  readonly url: string;
  /** How it is opened, if it is encrypted: `file` of the message as it came. */
  readonly encrypted?: unknown;
}

/** A ghost as those see it who answer in its name. */
export interface GhostHandle {
  readonly userId: string;
  /** The bridge's own bot rather than an agent. */
  readonly isBot: boolean;
  /** Names the ghost in every line. */
  readonly log: Logger;
  /** The name a member goes by in a room the ghost is in; the user id's localpart when the room can't be read. */
  displayNameOf(roomId: string, userId: string): Promise<string>;
  /** The same for a model: with the user id where somebody else in the room goes by that name. */
  speakerOf(roomId: string, userId: string): Promise<string>;
  /** Sends an event, once, however often it is called with the same step. Throws ClearTextRefused, see {@link Form}. */
  send(roomId: string, type: string, content: object, step: string, options: SendOptions): Promise<string>;
  /**
   * Sends a notice that every device of the room can read, trusted or not: for what those that are left out have to know,
   * and for nothing else.
   */
  sendToAll(roomId: string, content: object, step: string): Promise<string>;
  /** Sets state of a room, event by event. False when the room does not let the ghost; then nothing more is tried. */
  setState(
    roomId: string,
    type: string,
    events: readonly { readonly stateKey: string; readonly content: object }[],
  ): Promise<boolean>;
  /** Takes an event of the ghost's back, once, however often it is called with the same step. */
  redact(roomId: string, eventId: string, step: string): Promise<void>;
  /**
   * A file that somebody sent, opened when it is encrypted. Rejects with HomeserverError, with BadAttachment when it was
   * changed, with AnswerTooLarge when it is larger than `maxBytes`, and with the signal's reason.
   */
  download(file: GhostFile, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** An event of a room that the ghost is in, as it may see it; see ghost/event-reader.ts. */
  read(roomId: string, eventId: string, signal?: AbortSignal): Promise<ReadEvent | undefined>;
  /**
   * Who has sent an event of a room, and how it relates to others: what of it stands outside the ciphertext. Undefined where
   * the ghost can't see it. Throws HomeserverError.
   */
  outsideOf(roomId: string, eventId: string): Promise<EventOutside | undefined>;
  /** Reacts to an event. Returns at once. */
  react(roomId: string, eventId: string, key: string): void;
  /** The event that was sent under a step; undefined when none was. */
  sent(roomId: string, step: string): Promise<string | undefined>;
  /** Whether somebody may take back what others say in a room. */
  isModerator(roomId: string, userId: string): Promise<boolean>;
  /** How many have joined a room. */
  memberCount(roomId: string): Promise<number>;
  /** Shows that the ghost has read a message. Returns at once. */
  markRead(roomId: string, eventId: string, threadRoot: string | undefined): void;
}
