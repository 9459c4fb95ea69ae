import type { GhostHandle } from "./ghost-handle.ts";
import type { Outcome } from "./outcome.ts";
import type { GhostMessage, GhostReaction, GhostRedaction } from "./received.ts";

/** A room that a ghost has come into. */
export interface EnteredRoom {
  readonly roomId: string;
  /** Whether it is a direct chat. */
  readonly direct: boolean;
}

/**
 * The port by which a ghost tells what reached it, one thing at a time. The handler decides what comes of it. When the handler
 * throws, it is told again, or the item is set aside.
 */
export interface EventHandler {
  message(ghost: GhostHandle, message: GhostMessage): Promise<Outcome>;
  reaction(ghost: GhostHandle, reaction: GhostReaction): Promise<Outcome>;
  redacted(ghost: GhostHandle, redaction: GhostRedaction): Promise<Outcome>;
  /** The ghost came into a room to which it was invited. May be told twice. */
  joined(ghost: GhostHandle, room: EnteredRoom): Promise<void>;
  /** The ghost is in a room no more: nothing of it is remembered. */
  left(ghost: GhostHandle, roomId: string): Promise<Outcome>;
}
