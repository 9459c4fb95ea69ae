import type { english } from "./english.ts";
import type { Phrases, SettingWords } from "./phrases.ts";

/** English is written first: the commands, settings and parameters that it has words for are those that every language has. */
type First = typeof english;

/** All that the bridge says in rooms of its own accord, in one language. */
export interface Words extends Phrases {
  readonly commands: First["commands"];
  readonly settings: Readonly<Record<SettingWord, SettingWords>>;
  readonly parameters: Readonly<Record<ParameterWord, string>>;
}

/** The name of a setting of a room, which is its command's name as well. */
export type SettingWord = keyof First["settings"];

/** The name of a command. */
export type CommandWord = keyof First["commands"] | SettingWord;

/** The name under which menus know what can follow a command. */
export type ParameterWord = keyof First["parameters"];
