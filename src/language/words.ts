import type { english } from "./english.ts";
import type { pageEnglish } from "./page-english.ts";
import type { Phrases, SettingWords } from "./phrases.ts";

/** English comes first: every language has the commands, settings and parameters that English has words for. */
type First = typeof english;

/** The words of the page for whoever runs the bridge. */
export type PageWords = typeof pageEnglish;

/** Everything that the bridge itself says in rooms, in one language. */
export interface Words extends Phrases {
  readonly commands: First["commands"];
  readonly settings: Readonly<Record<SettingWord, SettingWords>>;
  readonly parameters: Readonly<Record<ParameterWord, string>>;
}

/** The name of a room's setting, which is also its command's name. */
export type SettingWord = keyof First["settings"];

/** The name of a command. */
export type CommandWord = keyof First["commands"] | SettingWord;

/** The name of a command's parameter in menus. */
export type ParameterWord = keyof First["parameters"];
