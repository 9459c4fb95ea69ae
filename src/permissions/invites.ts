import type { EncryptionMode } from "../config/config.ts";
import type { Words } from "../language/words.ts";
import type { Refusal } from "./decisions.ts";

/** Whether agents talk in encrypted rooms, or in unencrypted ones. */
export function mayTalkIn(mode: EncryptionMode, isEncrypted: boolean): boolean {
  return mode === "default" || (mode === "require") === isEncrypted;
}

/** The words for the inviter when an agent declines a room because of its encryption. */
export function describeRefusedRoom(words: Words, mode: EncryptionMode): string {
  return mode === "require" ? words.onlyEncryptedRooms : words.noEncryptedRooms;
}

/**
 * The words for the inviter when an invite is refused. They reveal nothing to a user whom a list bans or the admin
 * ignores.
 */
export function describeRefusal({ invites }: Words, reason: Refusal): string {
  switch (reason) {
    case "not_this_agent":
      return invites.notThisAgent;
    case "room_blocked":
      return invites.roomBlocked;
    case "room_too_large":
      return invites.roomTooLarge;
    case "ignored":
    case "banned":
    case "ban_list":
    case "no_access":
    case "level":
      return invites.noAccess;
  }
}

/**
 * Whether the room of an invite is encrypted, by the state in the invite (spec "Stripped state"); undefined when it
 * carries none.
 */
export function encryptionOfInvite(event: {
  readonly unsigned?: Readonly<Record<string, unknown>>;
}): boolean | undefined {
  const state = event.unsigned?.["invite_room_state"];
  if (!Array.isArray(state) || state.length === 0) return undefined;
  return state.some((entry: unknown) => (entry as { type?: unknown } | null)?.type === "m.room.encryption");
}

/** The type of rooms that group other rooms, in which nobody talks (spec "Spaces"). */
export const SPACE = "m.space";

/** The type of an invite's room, by the state in the invite; undefined for most rooms, and when it carries none. */
export function typeOfInvite(event: { readonly unsigned?: Readonly<Record<string, unknown>> }): string | undefined {
  const state = event.unsigned?.["invite_room_state"];
  if (!Array.isArray(state)) return undefined;
  for (const entry of state as readonly ({
    readonly type?: unknown;
    readonly content?: { readonly type?: unknown } | null;
  } | null)[]) {
    if (entry?.type !== "m.room.create") continue;
    const type = entry.content?.type;
    return typeof type === "string" ? type : undefined;
  }
  return undefined;
}
