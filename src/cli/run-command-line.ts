import { inWords, parseCommand, parseOptions, readCommandLine, strangeOption } from "./command-line.ts";
import type { NamedCommand } from "./command.ts";
import { COMMANDS, loadCommands } from "./command-list.ts";
import { COMMON_OPTIONS, helpOf, overview } from "./help.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Runs a command line and returns the exit code. Only the requested command is loaded. Throws UsageError, and the
 * command's errors.
 */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  const asked = readCommandLine(argv, Object.keys(COMMANDS));
  switch (asked.kind) {
    case "version": {
      const { packageVersion } = await import("../observability/version.ts");
      process.stdout.write(`${await packageVersion()}\n`);
      return 0;
    }
    case "help": {
      const commands = await loadCommands((name) => asked.names.includes(name));
      const [only] = commands;
      process.stdout.write(only !== undefined && commands.length === 1 ? helpOf(only) : overview(commands));
      return 0;
    }
    case "nothing":
      return refuseOptionsAlone(argv);
    case "run": {
      const [loaded] = await loadCommands((name) => name === asked.name);
      if (loaded === undefined) throw new UsageError(`there is no command "${asked.name}"`);
      return run(loaded, asked.rest);
    }
  }
}

async function run({ name, command }: NamedCommand, rest: readonly string[]): Promise<number> {
  const strange = strangeOption(rest, command.options);
  if (strange !== undefined) await refuseOptionOfOthers(strange);
  const { values, args } = parseCommand(name, rest, command.options);
  const [extra] = args;
  if (command.arguments === undefined && extra !== undefined) {
    const isCommand = Object.keys(COMMANDS).some((known) => known === extra || known.startsWith(`${extra} `));
    throw new UsageError(
      isCommand
        ? `one command at a time, please: ${[name, ...args].join(" ")}`
        : `${name} takes no arguments: ${args.join(" ")}`,
    );
  }
  if (args.includes("")) throw new UsageError(`${name} was given an empty argument; a variable may not be set`);
  return command.run(values, args, () => loadCommands(() => true));
}

/** Refuses a command line without a command, and names an option that is wrong as well. */
async function refuseOptionsAlone(argv: readonly string[]): Promise<never> {
  const strange = strangeOption(argv, {});
  if (strange !== undefined) await refuseOptionOfOthers(strange, "no command given; ");
  parseOptions("matrix-agents", argv, COMMON_OPTIONS);
  throw new UsageError("no command given");
}

/**
 * Throws a {@link UsageError} that names the commands with this option, if there are any.
 *
 * @param before the beginning of its words.
 */
async function refuseOptionOfOthers(typed: string, before = ""): Promise<void> {
  const takers = (await loadCommands(() => true)).flatMap(({ name, command }) =>
    Object.entries(command.options).flatMap(([option, { short }]) =>
      option === typed || short === typed ? [{ name, option }] : [],
    ),
  );
  const [first] = takers;
  if (first === undefined) return;
  throw new UsageError(`${before}--${first.option} is for ${inWords(takers.map(({ name }) => name))} only`);
}
