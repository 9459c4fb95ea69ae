import { answer } from "./answer.ts";
import { approve, refuse } from "./approve.ts";
import type { Command } from "./command.ts";
import { discuss } from "./discuss.ts";
import { forget } from "./forget.ts";
import { help } from "./help.ts";
import { list } from "./list.ts";
import { privacy } from "./privacy.ts";
import { prompt } from "./prompt.ts";
import { reminders } from "./reminders.ts";
import { reset } from "./reset.ts";
import { retry } from "./retry.ts";
import { settingCommands } from "./setting.ts";
import { status } from "./status.ts";
import { stop } from "./stop.ts";
import { tools } from "./tools.ts";
import { usage } from "./usage.ts";

/** All commands, in the order of `help`. Help, menus and the reading of commands derive from this list. */
export const COMMANDS: readonly Command[] = [
  help,
  list,
  status,
  stop,
  retry,
  forget,
  privacy,
  tools,
  approve,
  answer,
  refuse,
  prompt,
  usage,
  reminders,
  ...settingCommands("settings"),
  reset,
  discuss,
  ...settingCommands("groups"),
];

const BY_NAME: ReadonlyMap<string, Command> = new Map(COMMANDS.map((command) => [command.name, command]));

/** The command with a name; undefined when there is none. */
export function commandNamed(name: string): Command | undefined {
  return BY_NAME.get(name);
}
