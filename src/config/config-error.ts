/** One mistake in a configuration file. */
export interface ConfigProblem {
  /** Where: `agents.llama.temperature`; empty for the file as a whole. */
  readonly path: string;
  /** The value that was found; never a secret. */
  readonly found: string;
  readonly expected: string;
}

/** A configuration file that can't be used. The message lists every mistake, for a person. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly exitCode = 2;
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[]) {
    const lines = problems.map(
      ({ path, found, expected }) => `  ${path === "" ? "(file)" : path}: found ${found}; expected ${expected}`,
    );
    super(`${file} has ${problems.length === 1 ? "a mistake" : `${problems.length} mistakes`}:\n${lines.join("\n")}`);
    this.problems = problems;
  }
}
