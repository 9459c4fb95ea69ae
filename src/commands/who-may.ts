import { moderates, type GhostInRoom, type Wanting } from "../permissions/in-room.ts";
import type { Permissions } from "../permissions/permissions.ts";
import type { Asked, Command } from "./command.ts";

/**
 * Why somebody may not give a command; undefined when they may. It is refused to everybody where the admin has switched it
 * off, and what changes a room to all but its moderators, or to all but the admins; in a direct chat too, for that may have
 * been a group before, with others' words.
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

/** Whether somebody may use a command, where that is for the bridge's admins alone; true for all other commands. */
export function mayAsAdmin(
  permissions: Permissions,
  ghost: GhostInRoom,
  { roomId, sender }: Wanting,
  command: string,
): boolean {
  if (permissions.settersOf(command) !== "admins") return true;
  return permissions.allows({ act: "administer", userId: sender, ghost: ghost.userId, roomId });
}
