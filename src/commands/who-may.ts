import { moderates, type GhostInRoom, type Wanting } from "../permissions/in-room.ts";
import type { Permissions } from "../permissions/permissions.ts";
import type { Asked, Command } from "./command.ts";

/**
 * The reason why a person may not give a command; undefined when they may. A command that the admin switched off is
 * refused to everybody. A change of a room is reserved for its moderators, or for admins. This also applies in direct
 * chats, which may once have been groups and hold others' messages.
 */
export async function refusalOf<A>(
  command: Command<A>,
  argument: A,
  permissions: Permissions,
  { ghost, message, words }: Asked,
): Promise<string | undefined> {
  if (permissions.settersOf(command.name) === "nobody") return words.commandOff(command.name);
  if (command.isForModerators?.(argument) !== true) return undefined;
  if (!mayAsAdmin(permissions, ghost, message, command.name)) return words.onlyAdmins(command.name);
  return (await moderates(permissions, ghost, message)) ? undefined : words.onlyModerators;
}

/** Whether a person may use a command that is for the bridge's admins only; true for all other commands. */
export function mayAsAdmin(
  permissions: Permissions,
  ghost: GhostInRoom,
  { roomId, sender }: Wanting,
  command: string,
): boolean {
  if (permissions.settersOf(command) !== "admins") return true;
  return permissions.allows({ act: "administer", userId: sender, ghost: ghost.userId, roomId });
}
