/** The encryption that a room asks for (`m.room.encryption`). */
export interface RoomEncryption {
  readonly algorithm: string;
  /** The age after which a new session starts. */
  readonly rotationPeriodMs: number;
  /** The number of messages after which a new session starts. */
  readonly rotationPeriodMessages: number;
}

/** The facts needed to send into a room, by its current state on the server. */
export interface RoomView {
  /** Undefined: the room has never been encrypted. */
  readonly encryption: RoomEncryption | undefined;
  readonly historyVisibility: "invited" | "joined" | "shared" | "world_readable";
  readonly name: string | undefined;
}
