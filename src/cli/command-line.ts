import { parseArgs } from "node:util";
import { nearName } from "../config/near-name.ts";
import type { Option, Options, Values } from "./command.ts";
import { COMMON_OPTIONS } from "./help.ts";
import { UsageError } from "./usage-error.ts";

/** The meaning of a command line. */
export type CommandLine =
  | { readonly kind: "version" }
  /** Help for these commands. */
  | { readonly kind: "help"; readonly names: readonly string[] }
  /** No command is named, at most options. */
  | { readonly kind: "nothing" }
  /** @see parseCommand for the rest of the line. */
  | { readonly kind: "run"; readonly name: string; readonly rest: readonly string[] };

/**
 * Reads a command line before the command's own options are known. A command's options come after its name. Throws
 * {@link UsageError}.
 *
 * @param names of all commands; a name of two words is a command of a group.
 */
export function readCommandLine(argv: readonly string[], names: readonly string[]): CommandLine {
  const { values, positionals, isHelp, isHelpWord } = firstLook(argv);
  const [first, second] = positionals;
  if (isHelpWord) parseOptions("help", argv, COMMON_OPTIONS);
  if (values.version === true) return { kind: "version" };
  if (first === undefined) return isHelp ? { kind: "help", names } : { kind: "nothing" };
  if (first.value === "version") {
    if (second !== undefined) throw new UsageError(`version takes no arguments: ${second.value}`);
    return isHelp ? { kind: "help", names } : { kind: "version" };
  }
  const called = commandsCalled(first.value, second?.value, names);
  if (isHelp) {
    const words = called.length === 1 && called[0] !== first.value ? 2 : 1;
    if (isHelpWord && positionals.length > words) {
      throw new UsageError(`help takes one command: ${positionals.map(({ value }) => value).join(" ")}`);
    }
    return { kind: "help", names: called };
  }
  const [name] = called;
  if (name === undefined || called.length > 1) throw new UsageError(abilitiesOf(first.value, called));
  const taken = name === first.value ? [first.index] : [first.index, second?.index];
  return { kind: "run", name, rest: argv.filter((_, index) => !taken.includes(index)) };
}

/** The command line that shows the help about another one. */
export function helpAbout(argv: readonly string[], names: readonly string[]): string {
  const [first, second] = firstLook(argv).positionals;
  const known = [`${first?.value ?? ""} ${second?.value ?? ""}`, first?.value ?? ""].find((words) =>
    names.some((name) => name === words || name.startsWith(`${words} `)),
  );
  return known === undefined || known === "" ? "matrix-agents help" : `matrix-agents help ${known}`;
}

/** The words of a command line: those after `help`, where it begins with that. */
function firstLook(argv: readonly string[]) {
  const { values, tokens } = parseArgs({ args: [...argv], options: COMMON_OPTIONS, strict: false, tokens: true });
  const positionals = tokens.filter((token) => token.kind === "positional");
  const isHelpWord = positionals[0]?.value === "help";
  // `help help` asks for the same as `help`.
  const begin = positionals.findIndex(({ value }) => value !== "help");
  return {
    values,
    positionals: begin === -1 ? [] : positionals.slice(begin),
    isHelp: isHelpWord || values.help === true,
    isHelpWord,
  };
}

/** One command, or all of a group where its name stands alone. Throws {@link UsageError}. */
function commandsCalled(first: string, second: string | undefined, names: readonly string[]): readonly string[] {
  if (names.includes(first)) return [first];
  const group = names.filter((name) => name.startsWith(`${first} `));
  if (group.length === 0)
    throw new UsageError(`there is no command "${first}"${didYouMean(nearCommand(first, names))}`);
  if (second === undefined) return group;
  const name = `${first} ${second}`;
  if (group.includes(name)) return [name];
  const near = nearName(
    second,
    group.map((one) => one.slice(first.length + 1)),
  );
  const hint = didYouMean(near === undefined ? undefined : `${first} ${near}`);
  throw new UsageError(`${abilitiesOf(first, group)}, not "${second}"${hint}`);
}

/** The command whose name, or whose name inside its group, is near. */
function nearCommand(word: string, names: readonly string[]): string | undefined {
  const groups = names.flatMap((name) => (name.includes(" ") ? [name.slice(0, name.indexOf(" "))] : []));
  const near = nearName(word, [...names.filter((name) => !name.includes(" ")), ...groups, "help", "version"]);
  if (near !== undefined) return near;
  const verb = nearName(
    word,
    names.map((name) => name.slice(name.indexOf(" ") + 1)),
  );
  return verb === undefined ? undefined : names.find((name) => name.endsWith(` ${verb}`));
}

function abilitiesOf(group: string, names: readonly string[]): string {
  return `${group} can ${inWords(names.map((name) => name.slice(group.length + 1)))}`;
}

/** The end of a message about a misspelt word. */
function didYouMean(near: string | undefined): string {
  return near === undefined ? "" : `; did you mean ${near}?`;
}

/** `a, b and c`. */
export function inWords(names: readonly string[], joint: "and" | "or" = "and"): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} ${joint} ${names.at(-1) ?? ""}`;
}

/** The first option that neither this command nor every command takes; undefined when there is none. */
export function strangeOption(rest: readonly string[], options: Options): string | undefined {
  const known: Options = { ...COMMON_OPTIONS, ...options };
  const { tokens } = parseArgs({ args: [...rest], options: known, strict: false, tokens: true });
  return tokens.filter((token) => token.kind === "option").find(({ name }) => !Object.hasOwn(known, name))?.name;
}

/** A command's options and arguments. Throws {@link UsageError}. */
export function parseCommand<O extends Options>(
  name: string,
  rest: readonly string[],
  options: O,
): { readonly values: Values<O>; readonly args: readonly string[] } {
  const { values, args } = parseOptions(name, rest, { ...options, ...COMMON_OPTIONS });
  const switches = Object.entries(options).flatMap(([key, { type }]) => (type === "boolean" ? [[key, false]] : []));
  return { values: { config: "config.yaml", ...Object.fromEntries(switches), ...values } as Values<O>, args };
}

/**
 * The given ones of these options, and the arguments beside them. Throws {@link UsageError} in words of ours: those of
 * Node's parser are not about this command.
 *
 * @param name the name of the command, for the error.
 */
export function parseOptions(
  name: string,
  rest: readonly string[],
  known: Options,
): { readonly values: Readonly<Record<string, string | boolean | undefined>>; readonly args: readonly string[] } {
  const { values, positionals, tokens } = parseArgs({
    args: [...rest],
    allowPositionals: true,
    strict: false,
    tokens: true,
    options: known,
  });
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const option = Object.hasOwn(known, token.name) ? known[token.name] : undefined;
    if (option === undefined) {
      const near = nearName(token.name, Object.keys(known));
      throw new UsageError(
        `${name} has no option ${token.rawName}${didYouMean(near === undefined ? undefined : `--${near}`)}`,
      );
    }
    refuseValue(token, option);
  }
  return { values: { ...values }, args: positionals };
}

/** Throws where a value is missing, or where a switch has one. */
function refuseValue(
  {
    rawName,
    value,
    inlineValue,
  }: { readonly rawName: string; readonly value?: string | undefined; readonly inlineValue?: boolean | undefined },
  option: Option,
): void {
  if (option.type === "boolean") {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value`);
    return;
  }
  const isOption = inlineValue === false && value !== undefined && /^-./.test(value);
  if (isOption) {
    const form = rawName.startsWith("--") ? `${rawName}=${value}` : `${rawName}${value}`;
    throw new UsageError(`${rawName} needs a value, and ${value} looks like an option; if it is the value: ${form}`);
  }
  if (value === undefined || value === "") throw new UsageError(`${rawName} needs a value: ${rawName} ${option.value}`);
}
