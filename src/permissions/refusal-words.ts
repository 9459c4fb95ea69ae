import type { Words } from "../language/words.ts";
import type { Refusal } from "./decisions.ts";

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
