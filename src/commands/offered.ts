import type { Command } from "./command.ts";

/**
 * The commands that make sense in a room: in a direct chat none of those for groups.
 *
 * @param isOff tells which commands the admin has switched off.
 */
export function offeredIn(
  direct: boolean,
  commands: readonly Command[],
  isOff: (command: string) => boolean = () => false,
): Command[] {
  return commands.filter(({ name, group }) => !(direct && group === "groups") && !isOff(name));
}
