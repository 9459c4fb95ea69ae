#!/usr/bin/env node
import { runCommandLine } from "./cli/run-command-line.ts";
import { UsageError } from "./cli/usage-error.ts";
import { OperatorError } from "./observability/operator-error.ts";
import { printError } from "./observability/described-error.ts";

/** The answer to a wrong command line: the whole help would bury the mistake. */
const SHORT_USAGE = `Usage: matrix-agents <command> [options]; matrix-agents --help shows them all\n`;

// The reader has closed the pipe (`| head`). This is no failure; no more is written.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

try {
  process.exitCode = await runCommandLine(process.argv.slice(2));
} catch (error) {
  // Errors for a person carry their exit code; any other error is a fault of ours and shows its stack.
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
