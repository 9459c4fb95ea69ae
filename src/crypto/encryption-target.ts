import type { TrustLevel } from "../config/config.ts";
import type { RoomEncryption, RoomView } from "../rooms/room-view.ts";

/** The recipients of an encrypted event, and the rules for them. */
export interface EncryptionTarget {
  readonly roomId: string;
  readonly encryption: RoomEncryption;
  readonly historyVisibility: RoomView["historyVisibility"];
  /** The users who should get the room key, as far as their devices are trusted. */
  readonly recipients: readonly string[];
  /** Devices below this level are told that they get no key (`m.room_key.withheld`). */
  readonly sendTo: TrustLevel;
  /** Starts a new session. A device that was refused a session's key can never get it later. */
  readonly newSession?: boolean;
  /** The rule for a recipient whose identity changed after it was verified; by default `silence`. */
  readonly onChangedIdentity?: OnChangedIdentity;
}

/**
 * `silence`: the room gets no messages, because somebody compared that identity and may rely on it. `leave_out`: the
 * others still get messages. Nobody compared the identity here, and a member of a group could otherwise silence it by
 * being verified and changing.
 */
export type OnChangedIdentity = "silence" | "leave_out";
