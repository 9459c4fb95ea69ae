import type { GhostHandle } from "./ghost-handle.ts";
import type { Outcome } from "./outcome.ts";
import type { GhostMessage, GhostReaction, GhostRedaction } from "./received.ts";

/** A room that a ghost has entered. */
export interface EnteredRoom {
  readonly roomId: string;
  /** Whether it is a direct chat. */
  readonly direct: boolean;
}

/**
 * The port by which a ghost reports events, one at a time; the handler decides about each. When the handler throws, the
 * event is reported again, or the item is set aside.
 */
export interface EventHandler {
  message(ghost: GhostHandle, message: GhostMessage): Promise<Outcome>;
  reaction(ghost: GhostHandle, reaction: GhostReaction): Promise<Outcome>;
  redacted(ghost: GhostHandle, redaction: GhostRedaction): Promise<Outcome>;
  /** The ghost has entered a room after an invite. This may be reported twice. */
  joined(ghost: GhostHandle, room: EnteredRoom): Promise<void>;
  /** The ghost is no longer in the room: nothing of it may be remembered. */
  left(ghost: GhostHandle, roomId: string): Promise<Outcome>;
}
