import type { NamedCommand, Option, Options } from "../command.ts";
import { COMMON_OPTIONS } from "../help.ts";

/** A word with its meaning. */
export interface Word {
  readonly word: string;
  readonly meaning: string;
}

/** An option as it is typed. */
export interface TypedOption extends Word {
  /** With one hyphen; undefined where there is none. */
  readonly short: string | undefined;
  /** Its value is a path, an agent, something else, or there is none. */
  readonly takes: "file" | "agent" | "value" | "nothing";
}

/** A place in a command line, after some words. Options and their values are no words. */
export interface Place {
  /** The words before it, parted by spaces; empty at the beginning. */
  readonly after: string;
  /** The words that may come. */
  readonly words: readonly Word[];
  /** Whether an agent may come. The scripts ask `matrix-agents completion agents` for them. */
  readonly takesAgent: boolean;
}

/** The possibilities behind the words of a command, until the line ends. */
export interface Reach {
  readonly name: string;
  readonly options: readonly TypedOption[];
  /** Whether an argument is a path. */
  readonly takesFile: boolean;
}

/** The words of all command lines, for the scripts of every shell. */
export interface Grammar {
  readonly places: readonly Place[];
  readonly reaches: readonly Reach[];
}

/** The grammar of these commands. A form of a command's arguments that begins with a small letter begins with a word. */
export function grammarOf(commands: readonly NamedCommand[]): Grammar {
  const groups = Map.groupBy(
    commands.filter(({ name }) => name.includes(" ")),
    ({ name }) => name.slice(0, name.indexOf(" ")),
  );
  const first: readonly Word[] = [
    ...commands.filter(({ name }) => !name.includes(" ")).map(wordOf),
    ...[...groups].map(([word, members]) => ({
      word,
      meaning: members.map(({ name }) => name.slice(word.length + 1)).join(", "),
    })),
  ];
  const place = (after: string, words: readonly Word[], takesAgent = false): Place => ({ after, words, takesAgent });
  const verbs = [...groups].map(([after, members]) => ({
    after,
    words: members.map((member) => ({ word: member.name.slice(after.length + 1), meaning: member.command.summary })),
  }));
  const places: readonly Place[] = [
    place("", [...first, { word: "help", meaning: "show help for a command" }]),
    place("help", first),
    ...verbs.flatMap(({ after, words }) => [place(after, words), place(`help ${after}`, words)]),
    ...commands.map(({ name, command: { arguments: forms = {} } }) =>
      place(name, wordsOf(forms), beginsWithAgent(forms)),
    ),
  ].filter(({ words, takesAgent }) => words.length > 0 || takesAgent);
  return { places, reaches: commands.map(reachOf) };
}

function wordOf({ name, command }: NamedCommand): Word {
  return { word: name, meaning: command.summary };
}

function wordsOf(forms: Readonly<Record<string, string>>): readonly Word[] {
  return Object.entries(forms).flatMap(([form, meaning]) => {
    const [, word] = /^\[?([a-z][a-z-]*)\b/.exec(form) ?? [];
    return word === undefined ? [] : [{ word, meaning }];
  });
}

function beginsWithAgent(forms: Readonly<Record<string, string>>): boolean {
  return Object.keys(forms).some((form) => /^\[?AGENT\b/.test(form));
}

function reachOf({ name, command }: NamedCommand): Reach {
  const { config, help } = COMMON_OPTIONS;
  const options: Options = { ...command.options, config, help };
  const forms = Object.keys(command.arguments ?? {});
  return {
    name,
    options: Object.entries(options).map(typedOption),
    takesFile: forms.some((form) => /\bFILE\b/.test(form)),
  };
}

/** The kinds of values by their names in the help. */
const KINDS: Readonly<Record<string, "file" | "agent">> = { FILE: "file", AGENT: "agent" };

function typedOption([name, option]: readonly [string, Option]): TypedOption {
  const { short, meaning } = option;
  const takes = option.type === "boolean" ? "nothing" : (KINDS[option.value] ?? "value");
  return { word: `--${name}`, short: short === undefined ? undefined : `-${short}`, meaning, takes };
}

/** The forms of the option that names the configuration, which has the agents. */
export const CONFIG: readonly string[] = ["-c", "--config"];

/** All options of this kind, each in its typed forms. */
export function formsOf({ reaches }: Grammar, takes: TypedOption["takes"]): readonly string[] {
  const typed = reaches.flatMap(({ options }) => options.filter((option) => option.takes === takes));
  return [...new Set(typed.flatMap(({ word, short }) => (short === undefined ? [word] : [short, word])))];
}
