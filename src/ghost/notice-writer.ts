import type { Obstacle } from "../crypto/device-lists.ts";
import type { Distrust } from "../permissions/trust.ts";
import type { EnteredRoom } from "./event-handler.ts";
import type { GhostHandle } from "./ghost-handle.ts";
import type { UnreadMessage, GhostMessage } from "./received.ts";

/** Writes a ghost's notices where encryption keeps it from talking. Each method returns the event's content. */
export interface NoticeWriter {
  /**
   * In place of the greeting, for a person without a device that could read it; undefined where there would be no
   * greeting.
   */
  unheard(ghost: GhostHandle, room: EnteredRoom & { readonly why: Obstacle["why"] }): Promise<object | undefined>;
  /** The sender of a message is not trusted enough; undefined when the message was not for this ghost. */
  distrusted(ghost: GhostHandle, message: GhostMessage, why: Distrust): Promise<object | undefined>;
  /** Nobody compared anything on the ghost's side of a verification. */
  verifiedUnseen(ghost: GhostHandle, roomId: string): Promise<object>;
  /** The ghost is silent in a room because a verified identity has changed. */
  silenced(ghost: GhostHandle, roomId: string, userId: string): Promise<object>;
  /** The ghost is silent in a room because its own device is not signed. */
  unsigned(ghost: GhostHandle, roomId: string): Promise<object>;
  /** The ghost can neither read nor write in an encrypted room, because it has no device. */
  noDevice(ghost: GhostHandle, roomId: string, why: "none given" | "none wanted"): Promise<object>;
  /** Nobody at this ghost can read a message: its key is missing. */
  missingKey(message: UnreadMessage): Promise<object>;
}
