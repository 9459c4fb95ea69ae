import type { Permissions } from "../permissions/permissions.ts";
import type { ToolServers } from "../tools/tool-servers.ts";
import type { Command } from "./command.ts";

/** The commands about tools. */
const TOOL_COMMANDS: ReadonlySet<string> = new Set(["approve", "answer", "refuse", "tools"]);

/** Tells which commands do nothing on this server: the admin has switched them off, there are no tools, prompts or reminders. */
export function offOn(
  permissions: Pick<Permissions, "settersOf">,
  tools: Pick<ToolServers, "isEmpty" | "hasOwn" | "hasPrompts">,
): (command: string) => boolean {
  return (name) =>
    permissions.settersOf(name) === "nobody" ||
    (tools.isEmpty && TOOL_COMMANDS.has(name)) ||
    (name === "prompt" && !tools.hasPrompts) ||
    (name === "reminders" && !tools.hasOwn("remind"));
}

/**
 * The commands that make sense in a room: in a direct chat none of those for groups.
 *
 * @param isOff tells which commands do nothing; see {@link offOn}.
 */
export function offeredIn(
  direct: boolean,
  commands: readonly Command[],
  isOff: (command: string) => boolean = () => false,
): Command[] {
  return commands.filter(({ name, group }) => !(direct && group === "groups") && !isOff(name));
}
