import { parseArgs } from "node:util";
import type { Options, Values } from "./command.ts";
import { COMMON_OPTIONS } from "./help.ts";
import { UsageError } from "./usage-error.ts";

/** The meaning of a command line. */
export type CommandLine =
  | { readonly kind: "version" }
  /** Help for these commands. */
  | { readonly kind: "help"; readonly names: readonly string[] }
  /** @see parseCommand for the rest of the line. */
  | { readonly kind: "run"; readonly name: string; readonly rest: readonly string[] };

/**
 * Reads a command line before the command's own options are known. A command's options come after its name. Throws
 * {@link UsageError}.
 *
 * @param names of all commands; a name of two words is a command of a group.
 */
export function readCommandLine(argv: readonly string[], names: readonly string[]): CommandLine {
  const { values, tokens } = parseArgs({
    args: [...argv],
    options: COMMON_OPTIONS,
    strict: false,
    tokens: true,
  });
  const positionals = tokens.filter((token) => token.kind === "positional");
  const isHelp = values.help === true || positionals[0]?.value === "help";
  const [first, second] = positionals[0]?.value === "help" ? positionals.slice(1) : positionals;
  const grouped = names.filter((name) => name.startsWith(`${first?.value ?? ""} `));
  const name = grouped.length === 0 ? first?.value : `${first?.value ?? ""} ${second?.value ?? ""}`;
  if (isHelp) return { kind: "help", names: namesOf(name, grouped, names) };
  if (values.version === true || name === "version") return { kind: "version" };
  if (first === undefined || name === undefined) throw new UsageError("no command given");
  if (!names.includes(name)) {
    throw new UsageError(
      grouped.length === 0 ? `there is no command "${name}"` : notInGroup(first.value, second?.value, grouped),
    );
  }
  const taken = grouped.length === 0 ? [first.index] : [first.index, second?.index];
  return { kind: "run", name, rest: argv.filter((_, index) => !taken.includes(index)) };
}

/** The names of one command, of a group, or of all. */
function namesOf(name: string | undefined, grouped: readonly string[], all: readonly string[]): readonly string[] {
  if (name !== undefined && all.includes(name)) return [name];
  return grouped.length > 0 ? grouped : all;
}

function notInGroup(group: string, verb: string | undefined, grouped: readonly string[]): string {
  const verbs = grouped.map((name) => name.slice(group.length + 1));
  return `${group} can ${inWords(verbs)}${verb === undefined ? "" : `, not "${verb}"`}`;
}

/** `a, b and c`. */
export function inWords(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1) ?? ""}`;
}

/** The first option that neither this command nor every command takes; undefined when there is none. */
export function strangeOption(rest: readonly string[], options: Options): string | undefined {
  const known: Options = { ...COMMON_OPTIONS, ...options };
  const { tokens } = parseArgs({ args: [...rest], options: known, strict: false, tokens: true });
  return tokens.filter((token) => token.kind === "option").find(({ name }) => !Object.hasOwn(known, name))?.name;
}

/** A command's options and arguments. Throws {@link UsageError}. */
export function parseCommand<O extends Options>(
  rest: readonly string[],
  options: O,
): { readonly values: Values<O>; readonly args: readonly string[] } {
  const own = Object.fromEntries(
    Object.entries(options).map(([name, option]) => [
      name,
      option.type === "boolean" ? { ...option, default: false } : option,
    ]),
  );
  try {
    const { values, positionals } = parseArgs({
      args: [...rest],
      allowPositionals: true,
      options: { ...own, ...COMMON_OPTIONS, config: { ...COMMON_OPTIONS.config, default: "config.yaml" } },
    });
    return { values: values as Values<O>, args: positionals };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
