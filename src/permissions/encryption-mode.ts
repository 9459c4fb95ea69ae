import type { EncryptionMode } from "../config/config.ts";
import type { Words } from "../language/words.ts";

/** Whether agents talk in encrypted rooms, or in unencrypted ones. */
export function mayTalkIn(mode: EncryptionMode, isEncrypted: boolean): boolean {
  return mode === "default" || (mode === "require") === isEncrypted;
}

/** The words for the inviter when an agent declines a room because of its encryption. */
export function describeRefusedRoom(words: Words, mode: EncryptionMode): string {
  return mode === "require" ? words.onlyEncryptedRooms : words.noEncryptedRooms;
}
