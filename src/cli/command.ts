interface Described {
  /** One letter that may be typed in place of the name. */
  readonly short?: string;
  readonly meaning: string;
}

/** An option of a command: a switch, or one that takes a value, for which `value` stands in the help. */
export type Option = Described & ({ readonly type: "boolean" } | { readonly type: "string"; readonly value: string });

/** The options of a command, by the names that people type after `--`. */
export type Options = Readonly<Record<string, Option>>;

/** What was typed for a command's options. Every command takes `--config`. */
export type Values<O extends Options> = { readonly config: string } & {
  readonly [Name in keyof O]: O[Name]["type"] extends "boolean" ? boolean : string | undefined;
};

/** A command of `matrix-agents`. Its name is its key in command-list.ts. */
export interface Command<O extends Options = Options> {
  /** What it does, in a line. */
  readonly summary: string;
  /** What may follow the name, as the help shows it (`retry ID…`), each with its meaning; absent where nothing may follow. */
  readonly arguments?: Readonly<Record<string, string>>;
  readonly options: O;
  /** Whole command lines. */
  readonly examples?: readonly string[];
  /**
   * Does it, and returns the exit code. Throws UsageError, and errors that carry an exit code of their own.
   *
   * @param args what followed the name.
   */
  run(values: Values<O>, args: readonly string[]): Promise<number>;
}

/** Lets the compiler derive the type of a command's values from its options. */
export function defineCommand<const O extends Options>(command: Command<O>): Command<O> {
  return command;
}
