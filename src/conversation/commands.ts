import { LANGUAGES } from "../language/language.ts";
import type { CommandWord, SettingWord, Words } from "../language/words.ts";
import { LISTEN_MODES, RESPOND_MODES, STREAM_MODES, SWITCH } from "../rooms/settings.ts";

/** A command as somebody has written it: `!name rest`. */
export interface WrittenCommand {
  readonly name: string;
  readonly rest: string;
}

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

/** What agents can be told, in the order in which `help` shows it, each with an example that is right. */
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

const MODES = {
  respond: RESPOND_MODES,
  listen: LISTEN_MODES,
  threads: SWITCH,
  delegate: SWITCH,
  summaries: SWITCH,
  stream: STREAM_MODES,
  language: LANGUAGES,
} as const satisfies Readonly<Partial<Record<SettingWord, readonly string[]>>>;

/** A system prompt or a note longer than this leaves no room for the conversation, in characters. */
const LONGEST_TEXT = 4_000;

/** The command that a message is; undefined when it is none. Only people's messages are looked at, never a model's words. */
export function writtenCommand(text: string): WrittenCommand | undefined {
  const [, name, rest = ""] = /^!([a-z]+)(?:\s+([\s\S]*))?$/i.exec(text.trim()) ?? [];
  return name === undefined ? undefined : { name: name.toLowerCase(), rest: rest.trim() };
}

/** Reads a command. */
export function readCommand({ name, rest }: WrittenCommand): Command {
  switch (name) {
    case "help":
    case "list":
    case "status":
    case "reset":
    case "forget":
    case "stop":
    case "retry":
    case "usage":
      return rest === "" ? { kind: name } : { kind: "wrong", command: name };
    case "discuss": {
      const [, turns, topic = ""] = /^(?:(\d{1,3})\s)?\s*([\s\S]*)$/.exec(rest) ?? [];
      if (topic === "") return { kind: "wrong", command: name };
      return { kind: "discuss", turns: turns === undefined ? undefined : Number(turns), rest: topic };
    }
    case "privacy": {
      const decision = (["allow", "deny", "default"] as const).find((word) => word === rest);
      return rest === "" || decision !== undefined ? { kind: name, decision } : { kind: "wrong", command: name };
    }
    case "remember":
      if (rest === "") return { kind: "show", setting: name };
      return rest === "nothing" ? set(name, undefined) : ofLength(name, rest);
    case "model":
    case "system":
      if (rest === "") return { kind: "show", setting: name };
      return rest === "default" ? set(name, undefined) : ofLength(name, rest);
    case "temperature":
      if (rest === "") return { kind: "show", setting: name };
      if (rest === "default") return set(name, undefined);
      return /^\d(\.\d{1,3})?$/.test(rest) && Number(rest) <= 2 ? set(name, rest) : { kind: "wrong", command: name };
    case "respond":
    case "listen":
    case "threads":
    case "delegate":
    case "summaries":
    case "stream":
    case "language": {
      if (rest === "") return { kind: "show", setting: name };
      if (rest === "default") return set(name, undefined);
      const modes: readonly string[] = MODES[name];
      return modes.includes(rest) ? set(name, rest) : { kind: "wrong", command: name };
    }
    default:
      return { kind: "unknown", name };
  }
}

/** The longest part of an unknown command that is repeated, in characters. */
const LONGEST_NAME = 30;

/** What is said to a command that is not written as it should be: the right form, and an example. */
export function describeMisspelt(words: Words, misspelt: Misspelt): string {
  switch (misspelt.kind) {
    case "unknown":
      return words.unknownCommand(misspelt.name.slice(0, LONGEST_NAME));
    case "wrong":
      return words.wrongForm(words.commands[misspelt.command].usage, EXAMPLES[misspelt.command]);
    case "too_long":
      return words.tooLong(misspelt.length, LONGEST_TEXT);
  }
}

/** What `help` says. */
export function describeCommands({ commands, help }: Words): string {
  const lines = (Object.keys(EXAMPLES) as CommandWord[]).map((name) => {
    const { usage, meaning } = commands[name];
    return `- \`${usage}\`: ${meaning}`;
  });
  return [help.before, "", ...lines, "", help.after].join("\n");
}

function set(setting: SettingWord, value: string | undefined): Command {
  return { kind: "set", setting, value };
}

function ofLength(setting: SettingWord, value: string): Command {
  return value.length <= LONGEST_TEXT ? set(setting, value) : { kind: "too_long", length: value.length };
}
