import { agentIn } from "../answering/agent-in-room.ts";
import type { SettingWord, Words } from "../language/words.ts";
import { defaultsFor, SETTINGS, type RoomDefaults, type RoomSettings, type Setting } from "../rooms/settings.ts";
import { escapeMarkdown } from "../text/markdown.ts";
import type { Asked, CommandServices } from "./command.ts";

/** A setting in words: its value, whether the room has set it, and the way to change it. */
export function settingInWords(
  { defaults, models }: Pick<CommandServices, "defaults" | "models">,
  { agent, words, call }: Pick<Asked, "agent" | "words" | "call">,
  name: SettingWord,
  settings: RoomSettings,
): string {
  const setting: Setting = SETTINGS[name];
  const own = settings[name];
  const ofAdmin =
    setting.of === "agent"
      ? ((agent && setting.default(agent)) ?? words.setting[setting.unset])
      : valueOf(defaultsFor(defaults(), agentIn(agent, settings, models)), name);
  return words.setting.shown(
    words.settings[name].title,
    valueInWords(words, name, String(own ?? ofAdmin)),
    own !== undefined,
    `${call}!${name} ${takesOf(words, name)}`,
  );
}

function valueOf(defaults: RoomDefaults, name: SettingWord): string {
  return String(new Map<string, string>(Object.entries(defaults)).get(name));
}

/** A setting's value as people see it. */
export function valueInWords(words: Words, name: SettingWord, value: string): string {
  const escaped = escapeMarkdown(value);
  return words.settings[name].value?.(escaped) ?? escaped;
}

/** The parameter of a setting's command, in the form that people write. */
export function takesOf(words: Words, name: SettingWord): string {
  const { values, takenBackBy }: Setting = SETTINGS[name];
  const choices = values.kind === "choice" ? values.choices : [words.settings[name].takes ?? ""];
  return `[${[...choices, takenBackBy].join(" | ")}]`;
}
