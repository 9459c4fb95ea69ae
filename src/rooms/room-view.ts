/** How a room wants its messages encrypted (`m.room.encryption`). */
export interface RoomEncryption {
  readonly algorithm: string;
  /** After this long a new session is begun. */
  readonly rotationPeriodMs: number;
  /** After this many messages a new session is begun. */
  readonly rotationPeriodMessages: number;
}

/** How to speak into a room, as of its current state on the server. */
export interface RoomView {
  /** Undefined: the room has never been encrypted. */
  readonly encryption: RoomEncryption | undefined;
  readonly historyVisibility: "invited" | "joined" | "shared" | "world_readable";
  readonly name: string | undefined;
}
