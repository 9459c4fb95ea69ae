import type { Obstacle } from "../crypto/device-lists.ts";
import type { Distrust } from "../permissions/trust.ts";
import type { EnteredRoom } from "./event-handler.ts";
import type { GhostHandle } from "./ghost-handle.ts";
import type { UnreadMessage, GhostMessage } from "./received.ts";

/** Finds the words for what a ghost has to say where encryption keeps it from talking. Each returns the event's content. */
export interface NoticeWriter {
  /**
   * In place of the greeting, to somebody none of whose devices could read that; undefined where there would be no greeting.
   */
  unheard(ghost: GhostHandle, room: EnteredRoom & { readonly why: Obstacle["why"] }): Promise<object | undefined>;
  /**
   * A message's sender is not trusted enough for it to be acted on; undefined when the message was not for this ghost.
   */
  distrusted(ghost: GhostHandle, message: GhostMessage, why: Distrust): Promise<object | undefined>;
  /** Nobody compared anything on the ghost's side of a verification. */
  verifiedUnseen(ghost: GhostHandle, roomId: string): Promise<object>;
  /** Nothing is said to a room, because somebody's verified identity has changed. */
  silenced(ghost: GhostHandle, roomId: string, userId: string): Promise<object>;
  /** Nothing is said to a room, because the ghost's own device is not signed. */
  unsigned(ghost: GhostHandle, roomId: string): Promise<object>;
  /** Nobody at this ghost can read a message: its key is missing. */
  missingKey(message: UnreadMessage): Promise<object>;
}
