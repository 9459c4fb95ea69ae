import type { Obstacle } from "../crypto/device.ts";
import type { Shield } from "../crypto/shield.ts";
import type { Logger } from "../observability/log.ts";
import type { Distrust } from "../permissions/trust.ts";
import type { Outcome } from "./outcome.ts";

/** A message that reached a ghost, decrypted where it was encrypted. */
export interface GhostMessage {
  readonly eventId: string;
  readonly roomId: string;
  readonly sender: string;
  /** Milliseconds since 1970, by the sender's server. */
  readonly sentAt: number;
  /** Content of the `m.room.message`. */
  readonly content: Readonly<Record<string, unknown>>;
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

/** An event of a room that was looked up, in clear and in its newest form. */
export interface ReadEvent {
  readonly eventId: string;
  readonly sender: string;
  /** Milliseconds since 1970, by the sender's server. */
  readonly sentAt: number;
  readonly type: string;
  readonly content: Readonly<Record<string, unknown>>;
  /** Whether it, or an edit of it, came encrypted. */
  readonly encrypted: boolean;
}

/** What of an event stands outside its ciphertext. */
export interface EventOutside {
  readonly sender: string;
  /** Its `m.relates_to`. */
  readonly relation: unknown;
}

/** A file on the homeserver. */
export interface GhostFile {
  readonly url: string;
  /** How it is opened, if it is encrypted: `file` of the message as it came. */
  readonly encrypted?: unknown;
}

/**
 * In which form something may leave: as its room's state says, or encrypted and not at all otherwise. The second is for all
 * that repeats, or is made of, what came encrypted: who keeps a room's state could make it look as if it were in clear.
 */
export type Form = "of_room" | "encrypted";

/** In which form what answers something may leave. */
export function formFor({ encrypted }: { readonly encrypted: boolean }): Form {
  return encrypted ? "encrypted" : "of_room";
}

/** How something is sent. */
export interface SendOptions {
  readonly form: Form;
  readonly signal?: AbortSignal | undefined;
}

/** How a message names a file that a ghost has put on the homeserver: by `url` in clear, by `file` where it is encrypted. */
export type SentFile = { readonly url: string } | { readonly file: Readonly<Record<string, unknown>> };

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

/** Is told what reaches a ghost, one thing at a time, and decides what comes of it. */
export interface GhostListener {
  message(ghost: GhostHandle, message: GhostMessage): Promise<Outcome>;
  /** The ghost came into a room to which it was invited. May be told twice. */
  joined(ghost: GhostHandle, room: { readonly roomId: string; readonly direct: boolean }): Promise<void>;
  /**
   * The notice in the place of the greeting, for somebody none of whose devices could read that; undefined where there would
   * be none.
   */
  unheard(
    ghost: GhostHandle,
    room: { readonly roomId: string; readonly direct: boolean; readonly why: Obstacle["why"] },
  ): Promise<object | undefined>;
  /** The ghost is in a room no more: nothing of it is remembered. */
  left(ghost: GhostHandle, roomId: string): Promise<Outcome>;
  redacted(ghost: GhostHandle, redaction: GhostRedaction): Promise<Outcome>;
  reaction(ghost: GhostHandle, reaction: GhostReaction): Promise<Outcome>;
  /**
   * A message's sender is not trusted enough for it to be acted on. Returns the notice that says so, undefined when the
   * message was not for this ghost.
   */
  distrusted(ghost: GhostHandle, message: GhostMessage, why: Distrust): Promise<object | undefined>;
  /** The notice that nobody compared anything on the ghost's side of a verification. */
  verifiedUnseen(ghost: GhostHandle, roomId: string): Promise<object>;
  /** The notice that nothing is said to a room, because somebody's verified identity has changed. */
  silenced(ghost: GhostHandle, roomId: string, userId: string): Promise<object>;
  /** The notice that nothing is said to a room, because the ghost's own device is not signed. */
  unsigned(ghost: GhostHandle, roomId: string): Promise<object>;
}
