import { printError } from "../observability/described-error.ts";
import { OperatorError } from "../observability/operator-error.ts";
import { helpAbout } from "./command-line.ts";
import { COMMANDS } from "./command-list.ts";
import { printable } from "./printable.ts";
import { runCommandLine } from "./run-command-line.ts";
import { UsageError } from "./usage-error.ts";

/** The most characters of a mistake that are shown. */
const LONGEST_MISTAKE = 2_000;

/** Runs a command line, tells on standard error why it failed, and returns the exit code. */
export async function exitCodeOf(argv: readonly string[]): Promise<number> {
  try {
    return await runCommandLine(argv);
  } catch (thrown) {
    if (isMissingPackage(thrown)) {
      process.stderr.write("matrix-agents: its packages are not installed; in the folder of the checkout: npm ci\n");
      return 2;
    }
    // Loaded late: a start shuts its process in before it loads anything more.
    const { explainFailure } = await import("./command-failure.ts");
    const error = explainFailure(thrown);
    // Errors for a person carry their exit code; any other error is a fault of ours and shows its stack.
    if (error instanceof UsageError) {
      // The whole help would bury the mistake. The words may quote an argument of any length.
      const mistake = printable(error.message.slice(0, LONGEST_MISTAKE));
      process.stderr.write(`matrix-agents: ${mistake}\nHelp: ${helpAbout(argv, Object.keys(COMMANDS))}\n`);
      return error.exitCode;
    }
    if (error instanceof OperatorError) {
      process.stderr.write(`matrix-agents: ${error.message}\n`);
      return error.exitCode;
    }
    process.stderr.write(`matrix-agents: ${printError(error)}\n`);
    return 1;
  }
}

/** Whether a package is not there, as in a checkout without `npm ci`; our own files are named by their paths. */
function isMissingPackage(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ERR_MODULE_NOT_FOUND" && error instanceof Error && error.message.startsWith("Cannot find package");
}
