import { OperatorError } from "../observability/operator-error.ts";

/** One mistake in a configuration file. */
export interface ConfigProblem {
  /** The place: `agents.llama.temperature`; empty for the file as a whole. */
  readonly path: string;
  /** The value found there; never a secret. */
  readonly found: string;
  readonly expected: string;
}

/** An unusable configuration file. The message lists every mistake, for a person. */
export class ConfigError extends OperatorError<"ConfigError"> {
  override readonly name = "ConfigError";
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[]) {
    const lines = problems.map(
      ({ path, found, expected }) => `  ${path === "" ? "(file)" : path}: found ${found}; expected ${expected}`,
    );
    const told = lines.join("\n");
    super(
      problems.length === 1 ? `${file} has a mistake:\n${told}` : `${file} has ${problems.length} mistakes:\n${told}`,
    );
    this.problems = problems;
  }
}
