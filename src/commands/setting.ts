import type { Language } from "../language/languages.ts";
import type { SettingWord } from "../language/words.ts";
import { SETTING_NAMES, SETTINGS, type Setting } from "../rooms/settings.ts";
import { isOwnWords, storedValue, type Values } from "../rooms/setting-values.ts";
import { LONGEST_TEXT, plainWords, unquoted } from "./arguments.ts";
import type { Asked, Command, CommandServices, CommandOutcome, Reading } from "./command.ts";
import { literals, TEXT } from "./menu-schema.ts";
import { refusedModel } from "./refused-model.ts";
import { settingInWords, takesOf } from "./setting-words.ts";

/** A person's request about a setting: show it, change it, or, without a value, reset it. */
export type SettingWish = { readonly kind: "show" } | { readonly kind: "set"; readonly value: string | undefined };

/** The commands that show and change a room's settings: one for each row of the table. */
export function settingCommands(group: "settings" | "groups"): Command<SettingWish>[] {
  return SETTING_NAMES.filter((name) => group === groupOf(SETTINGS[name])).map(settingCommand);
}

function groupOf(setting: Setting): "settings" | "groups" {
  return setting.isForGroups === true ? "groups" : "settings";
}

function settingCommand(name: SettingWord): Command<SettingWish> {
  const setting: Setting = SETTINGS[name];
  return {
    name,
    group: groupOf(setting),
    example: setting.example,
    parameters: [{ key: setting.parameter, schema: schemaOf(setting), optional: true }],
    meaning: (words) => words.settings[name].meaning,
    takes: (words) => takesOf(words, name),
    read: (rest) => readWish(setting, rest),
    isForModerators: ({ kind }) => kind === "set",
    speaks: (wish) => (name === "language" && wish.kind === "set" ? languageOf(wish.value) : undefined),
    carryOut: (services, asked, wish) =>
      wish.kind === "show" ? show(services, asked, name) : set(services, asked, name, wish.value),
  };
}

/** A new language is confirmed in that language. */
function languageOf(value: string | undefined): Language | undefined {
  return SETTINGS.language.values.choices.find((language) => language === value);
}

/** Canonical JSON has no fractions, so numbers are text. */
function schemaOf({ values, takenBackBy }: Setting): object {
  return values.kind === "choice" ? literals([...values.choices, takenBackBy]) : TEXT;
}

function readWish({ values, takenBackBy }: Setting, rest: string): Reading<SettingWish> {
  if (rest === "" || (plainWords(rest) === "" && !isOwnWords(values))) {
    return { kind: "right", argument: { kind: "show" } };
  }
  if (plainWords(rest) === takenBackBy) return { kind: "right", argument: { kind: "set", value: undefined } };
  const value = valueIn(values, rest);
  if (value === undefined) return { kind: "wrong" };
  if (value.length > LONGEST_TEXT) return { kind: "too_long", length: value.length };
  return { kind: "right", argument: { kind: "set", value } };
}

/** The stored form of a written value; undefined when it is not a possible one. */
function valueIn(values: Values, rest: string): string | undefined {
  switch (values.kind) {
    case "choice":
      return values.choices.find((choice) => choice === plainWords(rest));
    case "number": {
      const value = plainWords(rest).replace(",", ".");
      return /^\d(\.\d{1,3})?$/.test(value) && Number(value) <= values.most ? value : undefined;
    }
    case "text":
      return rest;
    case "name":
      return unquoted(rest);
  }
}

async function show(services: CommandServices, asked: Asked, name: SettingWord): Promise<CommandOutcome> {
  const set = await services.settings.get(asked.ghost.userId, asked.message.roomId);
  return { words: settingInWords(services, asked, name, set), encrypted: set.encrypted };
}

async function set(
  services: CommandServices,
  asked: Asked,
  name: SettingWord,
  value: string | undefined,
): Promise<CommandOutcome> {
  const { settings } = services;
  const { ghost, message, words } = asked;
  const { roomId, sender: by, encrypted } = message;
  const refusal = name === "model" && value !== undefined ? await refusedModel(services, asked, value) : undefined;
  if (refusal !== undefined) return { words: refusal };
  const before = await settings.get(ghost.userId, roomId);
  const now = value === undefined ? undefined : storedValue(SETTINGS[name].values, value);
  const after = { ...before, [name]: now };
  return {
    words: `${words.setting.done} ${settingInWords(services, asked, name, after)}`,
    store: (tx) => settings.set(tx, { ghost: ghost.userId, roomId, by, encrypted }, name, value),
  };
}
