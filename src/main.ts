#!/usr/bin/env node
import { runCommandLine } from "./cli/run-command-line.ts";
import { UsageError } from "./cli/usage-error.ts";
import { OperatorError } from "./observability/operator-error.ts";
import { printError } from "./observability/described-error.ts";

/** What is said to a command line that is wrong: the whole of the help would bury why. */
const SHORT_USAGE = `Usage: matrix-agents <command> [options]; matrix-agents --help shows them all\n`;

// Whoever reads has enough of it (`| head`): no more is written, and nothing is wrong.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

try {
  process.exitCode = await runCommandLine(process.argv.slice(2));
} catch (error) {
  // Errors that were made for a person carry their exit code; anything else is a fault of ours and shows where.
  if (error instanceof UsageError) {
    process.stderr.write(`matrix-agents: ${error.message}\n${SHORT_USAGE}`);
    process.exitCode = error.exitCode;
  } else if (error instanceof OperatorError) {
    process.stderr.write(`matrix-agents: ${error.message}\n`);
    process.exitCode = error.exitCode;
  } else {
    process.stderr.write(`matrix-agents: ${printError(error)}\n`);
    process.exitCode = 1;
  }
}
