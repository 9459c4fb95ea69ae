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

/**
 * Whether a member gets the room's keys (spec "m.room.history_visibility", as clients do it): the joined members and, where
 * they may read messages from before they joined, the invited ones.
 */
export function getsKeys({ historyVisibility }: Pick<RoomView, "historyVisibility">, membership: string): boolean {
  return membership === "join" || (membership === "invite" && historyVisibility !== "joined");
}
