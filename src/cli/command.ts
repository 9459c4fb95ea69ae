interface Described {
  /** A one-letter alias. */
  readonly short?: string;
  readonly meaning: string;
}

/** An option of a command: a switch, or an option with a value, which the help shows as `value`. */
export type Option = Described & ({ readonly type: "boolean" } | { readonly type: "string"; readonly value: string });

/** The options of a command, by the names after `--`. */
export type Options = Readonly<Record<string, Option>>;

/** The values of a command's options. Every command takes `--config`. */
export type Values<O extends Options> = { readonly config: string } & {
  readonly [Name in keyof O]: O[Name]["type"] extends "boolean" ? boolean : string | undefined;
};

/** A command of `matrix-agents`. Its name is its key in command-list.ts. */
export interface Command<O extends Options = Options> {
  /** The command's purpose, in a line. */
  readonly summary: string;
  /** The arguments as the help shows them (`retry ID…`), each with its meaning; absent where there are none. */
  readonly arguments?: Readonly<Record<string, string>>;
  readonly options: O;
  /** Whole command lines. */
  readonly examples?: readonly string[];
  /**
   * Runs the command and returns the exit code. Throws UsageError, and errors that carry an exit code.
   *
   * @param args the arguments after the name.
   * @param all loads all commands.
   */
  run(values: Values<O>, args: readonly string[], all: () => Promise<readonly NamedCommand[]>): Promise<number>;
}

/** A command with its name. */
export interface NamedCommand {
  readonly name: string;
  readonly command: Command;
}

/** Lets the compiler derive the type of a command's values from its options. */
export function defineCommand<const O extends Options>(command: Command<O>): Command<O> {
  return command;
}
