// npm run quickstart: from nothing to an encrypted chat with an agent. All files that it makes are under .local/ of
// this checkout.
import { fileURLToPath } from "node:url";
import { explainFileError } from "../src/observability/file-fault.ts";
import { OperatorError } from "../src/observability/operator-error.ts";
import { type Command, parseCommand, USAGE } from "./arguments.ts";
import { QuickstartError, UsageError } from "./errors.ts";
import { clearFolder, type Folder, folderOf, makeFolder } from "./folder.ts";
import { endHolder, takeLock } from "./lock.ts";
import { createProgress } from "./progress.ts";
import { run } from "./run.ts";
import { SynapseError } from "./synapse.ts";
import { plainText } from "./terminal.ts";
import { TinyModelError } from "./tiny-model.ts";

const CHECKOUT = fileURLToPath(new URL("..", import.meta.url));

/** As a shell counts a process that a signal ended: 128 and the signal's number. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

const interrupted = new AbortController();
let endedBy: keyof typeof EXIT_CODES | undefined;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  // Ctrl-C may come twice, from the terminal and passed on by npm.
  process.on(signal, () => {
    endedBy ??= signal;
    interrupted.abort();
  });
}

/** The reader of our output has enough (`| head -1`): everything is ended, and nothing was wrong. */
let isReadNoMore = false;
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  isReadNoMore = true;
  interrupted.abort();
});

let exitCode = 0;
try {
  const command = parseCommand(process.argv.slice(2));
  await execute(command, folderOf(CHECKOUT, process.env));
} catch (error) {
  exitCode = report(error);
}
// matrix-js-sdk leaves the timers of its finished requests behind, which would hold the process for two minutes.
process.exit(exitCode);

async function execute(command: Command, folder: Folder): Promise<void> {
  switch (command.kind) {
    case "help":
      console.log(USAGE);
      return;
    case "stop":
      await makeFolder(folder);
      console.log((await endHolder(folder.lock, interrupted.signal)) ? "It has ended." : "Nothing is running here.");
      return;
    case "reset": {
      await makeFolder(folder);
      const refusal = (): string => "a quickstart is running here: end it first, with: npm run quickstart -- --stop";
      const lock = await takeLock(folder.lock, refusal, interrupted.signal);
      await clearFolder(folder);
      await lock.release();
      console.log(`${folder.root} holds nothing of earlier runs any more.`);
      return;
    }
    case "chat":
    case "say":
      await run({ command, folder, interrupted, progress: createProgress(process.stderr) });
  }
}

/** Says what went wrong; returns the exit code. */
function report(thrown: unknown): number {
  if (isReadNoMore) return 0;
  if (interrupted.signal.aborted) return EXIT_CODES[endedBy ?? "SIGINT"];
  const error = explainFileError(thrown);
  const inWords = [QuickstartError, SynapseError, TinyModelError, OperatorError].some((kind) => error instanceof kind);
  // It may repeat what others wrote: a notice, the end of a log.
  console.error(inWords && error instanceof Error ? plainText(error.message) : error);
  if (!(error instanceof UsageError)) return 1;
  console.error("Help: npm run quickstart -- --help");
  return 2;
}
