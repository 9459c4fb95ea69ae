import type { CommandGroup, CommandWord, SettingWord, Words } from "../language/words.ts";
import type { WrittenCommand } from "../addressing/written-command.ts";
import { SETTINGS } from "../rooms/settings.ts";

/** What is to be done. */
export type Command =
  | { readonly kind: "help" | "list" | "status" | "reset" | "forget" | "stop" | "retry" | "usage" }
  | { readonly kind: "show"; readonly setting: SettingWord }
  | { readonly kind: "set"; readonly setting: SettingWord; readonly value: string | undefined }
  /** `rest` begins with the names of agents. */
  | { readonly kind: "discuss"; readonly turns: number | undefined; readonly rest: string }
  /** Undefined: it is to be shown. */
  | { readonly kind: "privacy"; readonly decision: "allow" | "deny" | "default" | undefined }
  | Misspelt;

/** A command that is not written as it should be. */
export type Misspelt =
  | { readonly kind: "unknown"; readonly name: string }
  | { readonly kind: "wrong"; readonly command: CommandWord }
  | { readonly kind: "too_long"; readonly length: number };

/** What agents can be told, each with an example that is right. */
export const EXAMPLES: Readonly<Record<CommandWord, string>> = {
  help: "!help",
  list: "!list",
  status: "!status",
  stop: "!stop",
  retry: "!retry",
  forget: "!forget",
  discuss: "!discuss 6 qwen Is water wet?",
  privacy: "!privacy",
  remember: "!remember We use metric units",
  model: "!model llama3.2:3b",
  system: "!system Answer like a pirate",
  temperature: "!temperature 0.2",
  respond: "!respond all",
  listen: "!listen on",
  threads: "!threads on",
  delegate: "!delegate on",
  summaries: "!summaries off",
  stream: "!stream off",
  language: "!language de",
  reset: "!reset",
  usage: "!usage",
};

/** The values that settings with a choice of a few know. */
export const MODES = {
  respond: SETTINGS.respond.values.choices,
  listen: SETTINGS.listen.values.choices,
  threads: SETTINGS.threads.values.choices,
  delegate: SETTINGS.delegate.values.choices,
  summaries: SETTINGS.summaries.values.choices,
  stream: SETTINGS.stream.values.choices,
  language: SETTINGS.language.values.choices,
} as const satisfies Readonly<Partial<Record<SettingWord, readonly string[]>>>;

/** A system prompt, a note or a topic longer than this leaves no room for the conversation, in characters. */
const LONGEST_TEXT = 4_000;

/** What stands behind a command that knows a few words only: their case does not count, nor a full stop. */
function plainWords(rest: string): string {
  return unquoted(rest)
    .toLowerCase()
    .replace(/[.…!?]{1,3}$/, "")
    .trim();
}

function unquoted(rest: string): string {
  return rest.replace(/^[`"'“„«]/, "").replace(/[`"'”“»](?=[.…]?$)/, "");
}

/** Reads a command. */
export function readCommand({ name, rest }: WrittenCommand): Command {
  const word = plainWords(rest);
  switch (name) {
    case "help":
    case "list":
    case "status":
    case "reset":
    case "forget":
    case "stop":
    case "retry":
    case "usage":
      return word === "" ? { kind: name } : { kind: "wrong", command: name };
    case "discuss": {
      const [, turns, topic = ""] = /^(?:(\d{1,3})\s)?\s*([\s\S]*)$/.exec(rest) ?? [];
      if (topic === "") return { kind: "wrong", command: name };
      if (topic.length > LONGEST_TEXT) return { kind: "too_long", length: topic.length };
      return { kind: "discuss", turns: turns === undefined ? undefined : Number(turns), rest: topic };
    }
    case "privacy": {
      const decision = (["allow", "deny", "default"] as const).find((one) => one === word);
      return word === "" || decision !== undefined ? { kind: name, decision } : { kind: "wrong", command: name };
    }
    case "remember":
      if (rest === "") return { kind: "show", setting: name };
      return word === "nothing" ? set(name, undefined) : ofLength(name, rest);
    case "model":
    case "system":
      if (rest === "") return { kind: "show", setting: name };
      if (word === "default") return set(name, undefined);
      return ofLength(name, name === "model" ? unquoted(rest) : rest);
    case "temperature": {
      if (word === "") return { kind: "show", setting: name };
      if (word === "default") return set(name, undefined);
      const value = word.replace(",", ".");
      return /^\d(\.\d{1,3})?$/.test(value) && Number(value) <= 2 ? set(name, value) : { kind: "wrong", command: name };
    }
    case "respond":
    case "listen":
    case "threads":
    case "delegate":
    case "summaries":
    case "stream":
    case "language": {
      if (word === "") return { kind: "show", setting: name };
      if (word === "default") return set(name, undefined);
      const modes: readonly string[] = MODES[name];
      return modes.includes(word) ? set(name, word) : { kind: "wrong", command: name };
    }
    default:
      return { kind: "unknown", name };
  }
}

/** The longest part of an unknown command that is repeated, in characters. */
const LONGEST_NAME = 30;

/**
 * What is said to a command that is not written as it should be: the right form, and an example.
 *
 * @param call what stands before a command so that it is for this agent.
 */
export function describeMisspelt(words: Words, misspelt: Misspelt, call = ""): string {
  switch (misspelt.kind) {
    case "unknown":
      return words.unknownCommand(misspelt.name.slice(0, LONGEST_NAME), call);
    case "wrong": {
      const { usage } = words.commands[misspelt.command];
      const example = EXAMPLES[misspelt.command];
      return words.wrongForm(`${call}${usage}`, usage === example ? undefined : `${call}${example}`);
    }
    case "too_long":
      return words.tooLong(misspelt.length, LONGEST_TEXT);
  }
}

/** What each command is for, in the order in which `help` shows them. */
const GROUPS: Readonly<Record<CommandGroup, readonly CommandWord[]>> = {
  everyday: ["help", "list", "status", "stop", "retry", "forget", "privacy", "usage"],
  settings: ["remember", "model", "system", "temperature", "stream", "summaries", "language", "reset"],
  groups: ["discuss", "respond", "listen", "threads", "delegate"],
};

/**
 * The commands that make sense in a room: in a direct chat none of those for groups.
 *
 * @param isOff tells which ones the admin has switched off.
 */
export function commandsFor(direct: boolean, isOff: (command: CommandWord) => boolean = () => false): CommandWord[] {
  const { everyday, settings, groups } = GROUPS;
  return [...everyday, ...settings, ...(direct ? [] : groups)].filter((command) => !isOff(command));
}

/**
 * What `help` says.
 *
 * @param call what stands before a command so that it is for this agent.
 * @param isOff tells which commands the admin has switched off.
 */
export function describeCommands(
  { commands, help }: Words,
  direct: boolean,
  call = "",
  isOff?: (command: CommandWord) => boolean,
): string {
  const known = commandsFor(direct, isOff);
  const sections = (Object.keys(GROUPS) as CommandGroup[]).flatMap((group) => {
    const lines = GROUPS[group]
      .filter((name) => known.includes(name))
      .map((name) => `- \`${commands[name].usage}\`: ${commands[name].meaning}`);
    return lines.length === 0 ? [] : ["", `**${help.titles[group]}**`, "", ...lines];
  });
  return [help.before(call), ...sections, ...(direct ? [] : ["", help.after])].join("\n");
}

function set(setting: SettingWord, value: string | undefined): Command {
  return { kind: "set", setting, value };
}

function ofLength(setting: SettingWord, value: string): Command {
  return value.length <= LONGEST_TEXT ? set(setting, value) : { kind: "too_long", length: value.length };
}
