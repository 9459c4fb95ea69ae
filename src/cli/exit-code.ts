import { printError } from "../observability/described-error.ts";
import { OperatorError } from "../observability/operator-error.ts";
import { runCommandLine } from "./run-command-line.ts";
import { UsageError } from "./usage-error.ts";

/** The answer to a wrong command line: the whole help would bury the mistake. */
const SHORT_USAGE = `Usage: matrix-agents <command> [options]; matrix-agents --help shows them all\n`;

/** Runs a command line, tells on standard error why it failed, and returns the exit code. */
export async function exitCodeOf(argv: readonly string[]): Promise<number> {
  try {
    return await runCommandLine(argv);
  } catch (thrown) {
    // Loaded late: a start shuts its process in before it loads anything more.
    const { explainFileError } = await import("../observability/file-fault.ts");
    const error = explainFileError(thrown);
    // Errors for a person carry their exit code; any other error is a fault of ours and shows its stack.
    if (error instanceof UsageError) {
      process.stderr.write(`matrix-agents: ${error.message}\n${SHORT_USAGE}`);
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
