import type { ReceivedContent } from "../matrix/received-content.ts";
import type { Relation } from "../matrix/relation.ts";
import type { Logger } from "../observability/log.ts";
import type { Form, SendOptions } from "./form.ts";

/** An event of a room, decrypted and in its newest form. */
export interface ReadEvent {
  readonly eventId: string;
  readonly sender: string;
  /** Milliseconds since 1970, by the sender's server. */
  readonly sentAt: number;
  readonly content: ReceivedContent;
  /** Whether it, or an edit of it, came encrypted. */
  readonly encrypted: boolean;
}

/** The parts of an event outside its ciphertext. */
export interface EventOutside {
  readonly sender: string;
  readonly relation: Relation;
}

/** A file on the homeserver. */
export interface GhostFile {
  readonly url: string;
  /** The keys of an encrypted file: `file` of the message as it came. */
  readonly encrypted?: unknown;
}

/** A ghost as its handlers see it, who answer in its name. */
export interface GhostHandle {
  readonly userId: string;
  /** The bridge's own bot rather than an agent. */
  readonly isBot: boolean;
  /** Names the ghost in every line. */
  readonly log: Logger;
  /** A member's name in a room that the ghost is in; the user id's localpart when the room can't be read. */
  displayNameOf(roomId: string, userId: string): Promise<string>;
  /** The same for a model: with the user id where another member has that name. */
  speakerOf(roomId: string, userId: string): Promise<string>;
  /** Sends an event, once for the same step. Throws ClearTextRefused, see {@link Form}. */
  send(roomId: string, type: string, content: object, step: string, options: SendOptions): Promise<string>;
  /**
   * Sends a notice that every device of the room can read, trusted or not: only for facts that excluded users must
   * learn. `form` is that of the room by default.
   */
  sendToAll(roomId: string, content: object, step: string, form?: Form): Promise<string>;
  /** Sets state of a room, event by event. False when the room does not allow that; then nothing more is tried. */
  setState(
    roomId: string,
    type: string,
    events: readonly { readonly stateKey: string; readonly content: object }[],
  ): Promise<boolean>;
  /** Deletes an event of the ghost, once for the same step. */
  redact(roomId: string, eventId: string, step: string): Promise<void>;
  /**
   * A file that somebody sent, decrypted if necessary. Rejects with HomeserverError, with BadAttachment when it was
   * changed, with AnswerTooLarge when it exceeds `maxBytes`, and with the signal's reason.
   */
  download(file: GhostFile, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** An event of a room that the ghost is in, as the ghost may see it; see ghost/event-reader.ts. */
  read(roomId: string, eventId: string, signal?: AbortSignal): Promise<ReadEvent | undefined>;
  /**
   * The sender and relations of an event, which stand outside the ciphertext. Undefined where the ghost can't see the
   * event. Throws HomeserverError.
   */
  outsideOf(roomId: string, eventId: string): Promise<EventOutside | undefined>;
  /** Reacts to an event. Returns at once. */
  react(roomId: string, eventId: string, key: string): void;
  /** The event that was sent under a step; undefined when there is none. */
  sent(roomId: string, step: string): Promise<string | undefined>;
  /** Whether a user may redact others' messages in a room. */
  isModerator(roomId: string, userId: string): Promise<boolean>;
  /** The number of joined members of a room. */
  memberCount(roomId: string): Promise<number>;
  /** Sends a read receipt for a message. Returns at once. */
  markRead(roomId: string, eventId: string, threadRoot: string | undefined): void;
}
