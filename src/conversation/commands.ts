import { RESPOND_MODES, STREAM_MODES, SWITCH, type RoomSettings } from "../rooms/settings.ts";

/** A command as somebody has written it: `!name rest`. */
export interface WrittenCommand {
  readonly name: string;
  readonly rest: string;
}

/** What is to be done. */
export type Command =
  | { readonly kind: "help" | "list" | "status" | "reset" | "forget" | "stop" | "retry" | "usage" }
  | { readonly kind: "show"; readonly setting: keyof RoomSettings }
  | { readonly kind: "set"; readonly setting: keyof RoomSettings; readonly value: string | undefined }
  /** It is not written as it should be: the words say how. */
  | { readonly kind: "wrong"; readonly words: string };

interface Form {
  readonly usage: string;
  readonly example: string;
  readonly meaning: string;
}

/** What agents can be told, in the order in which `help` shows it. */
export const FORMS: Readonly<Record<string, Form>> = {
  help: { usage: "!help", example: "!help", meaning: "shows this" },
  list: { usage: "!list", example: "!list", meaning: "the agents there are" },
  status: { usage: "!status", example: "!status", meaning: "my model, and what is set here" },
  stop: { usage: "!stop", example: "!stop", meaning: "ends the answer I am making (so does 🛑)" },
  retry: { usage: "!retry", example: "!retry", meaning: "answers your last question again (so does 🔁)" },
  forget: { usage: "!forget", example: "!forget", meaning: "I forget all that was said here" },
  remember: {
    usage: "!remember TEXT, or !remember nothing",
    example: "!remember We use metric units",
    meaning: "something to keep in mind here",
  },
  model: { usage: "!model [NAME | default]", example: "!model llama3.2:3b", meaning: "which model I ask" },
  system: { usage: "!system [TEXT | default]", example: "!system Answer like a pirate", meaning: "my instruction" },
  temperature: { usage: "!temperature [0 to 2 | default]", example: "!temperature 0.2", meaning: "how freely I speak" },
  respond: {
    usage: "!respond [mention | thread | all | default]",
    example: "!respond all",
    meaning: "when I answer in a group",
  },
  listen: {
    usage: "!listen [on | off | default]",
    example: "!listen on",
    meaning: "whether I remember what is said to others in a group, to know what you talk about when you ask me",
  },
  threads: {
    usage: "!threads [on | off | default]",
    example: "!threads on",
    meaning: "whether I answer each question in a group in a thread of its own",
  },
  stream: {
    usage: "!stream [edit | replace | off | default]",
    example: "!stream off",
    meaning: "how answers look while they are made",
  },
  reset: { usage: "!reset", example: "!reset", meaning: "all settings of this room as the admin has them" },
  usage: { usage: "!usage", example: "!usage", meaning: "what you have asked me, here and elsewhere" },
};

const MODES: Readonly<Record<"respond" | "listen" | "threads" | "stream", readonly string[]>> = {
  respond: RESPOND_MODES,
  listen: SWITCH,
  threads: SWITCH,
  stream: STREAM_MODES,
};

/** A system prompt or a note longer than this leaves no room for the conversation, in characters. */
const LONGEST_TEXT = 4_000;

/** The command that a message is; undefined when it is none. Only people's messages are looked at, never a model's words. */
export function writtenCommand(text: string): WrittenCommand | undefined {
  const [, name, rest = ""] = /^!([a-z]+)(?:\s+([\s\S]*))?$/i.exec(text.trim()) ?? [];
  return name === undefined ? undefined : { name: name.toLowerCase(), rest: rest.trim() };
}

/** Reads a command. What is wrong with it is said with the right form and an example. */
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
      return rest === "" ? { kind: name } : wrong(name);
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
      return /^\d(\.\d{1,3})?$/.test(rest) && Number(rest) <= 2 ? set(name, rest) : wrong(name);
    case "respond":
    case "listen":
    case "threads":
    case "stream": {
      if (rest === "") return { kind: "show", setting: name };
      if (rest === "default") return set(name, undefined);
      return MODES[name].includes(rest) ? set(name, rest) : wrong(name);
    }
    default:
      return { kind: "wrong", words: `I don't know \`!${name.slice(0, 30)}\`. \`!help\` shows what I know.` };
  }
}

/** What `help` says. */
export function describeCommands(): string {
  const lines = Object.values(FORMS).map(({ usage, meaning }) => `- \`${usage}\`: ${meaning}`);
  return ["You can tell me:", "", ...lines, "", "In a group, settings are changed by its moderators."].join("\n");
}

function set(setting: keyof RoomSettings, value: string | undefined): Command {
  return { kind: "set", setting, value };
}

function ofLength(setting: keyof RoomSettings, value: string): Command {
  if (value.length <= LONGEST_TEXT) return set(setting, value);
  return { kind: "wrong", words: `That is too long: ${LONGEST_TEXT} characters at the most.` };
}

function wrong(name: keyof typeof FORMS): Command {
  const form = FORMS[name];
  return {
    kind: "wrong",
    words: form === undefined ? "" : `Please write it so: \`${form.usage}\`, for example \`${form.example}\`.`,
  };
}
