import { COMMANDS } from "../../src/commands/all.ts";
import type { Command } from "../../src/commands/command.ts";
import { exampleOf, formOf } from "../../src/commands/form.ts";
import { wordsIn } from "../../src/language/languages.ts";
import type { CommandGroup } from "../../src/language/phrases.ts";
import { SETTINGS, type ConfiguredDefaults, type Setting } from "../../src/rooms/settings.ts";
import { table } from "./table.ts";

const ENGLISH = wordsIn("en");

/** docs/agent-commands.md, made of src/commands/ and src/rooms/settings.ts. */
export function agentCommands(): Promise<string> {
  const { titles } = ENGLISH.commands.help;
  const groups = (Object.keys(titles) as CommandGroup[]).map((group) => {
    const commands = COMMANDS.filter((command) => command.group === group);
    return `## ${titles[group]}\n\n${tableOf(commands)}`;
  });
  return Promise.resolve(`# Commands that agents understand

<!-- Made of src/commands/ and src/rooms/settings.ts by \`npm run docs\`; edit those. -->

The words of each command are those that an agent says to \`!help\` ([how to say a command](using.md#commands)). The commands
below “${titles.groups}” are not known in direct chats.

${groups.join("\n\n")}
`);
}

function tableOf(commands: readonly Command[]): string {
  return table(
    ["command", "meaning", "who may", "where nothing is set", "example"],
    commands.map((command) => [
      `\`${formOf(ENGLISH, command)}\``,
      command.meaning(ENGLISH),
      whoMay(command),
      defaultOf(command),
      `\`${exampleOf(command)}\``,
    ]),
  );
}

function settingOf({ name }: Command): Setting | undefined {
  return new Map<string, Setting>(Object.entries(SETTINGS)).get(name);
}

/** The commands that answer an agent's question. */
const ANSWERS: ReadonlySet<string> = new Set(["approve", "answer", "refuse"]);

function whoMay(command: Command): string {
  if (ANSWERS.has(command.name)) return "those whom the agent's question names";
  if (command.isForModerators === undefined) return "everybody";
  const bare = command.read?.("");
  const isShown = bare?.kind === "right" && !command.isForModerators(bare.argument);
  const moderators =
    settingOf(command)?.isRestrictable === true
      ? `moderators, unless \`permissions.commands.${command.name}\` says otherwise`
      : "moderators";
  return isShown ? `${moderators}; everybody may see it` : moderators;
}

function defaultOf(command: Command): string {
  const setting = settingOf(command);
  if (setting === undefined) return "";
  if (setting.of === "agent") return setting.unset === "nothing" ? "nothing" : "the agent's own";
  if (setting.configuredBy !== undefined) return `\`${setting.configuredBy}\` of the configuration`;
  const inCloud = setting.defaultInCloud === undefined ? "" : `; for a cloud agent \`${setting.defaultInCloud}\``;
  return `\`${setting.default(ANY)}\`${inCloud}`;
}

/** Rows that name nothing in the configuration have the same default by any. */
const ANY: ConfiguredDefaults = {
  answers: { stream: "edit", language: "auto" },
  exchanges: { delegate: false },
  memory: { summaries: true },
};
