import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Exit } from "../../quickstart/synapse.ts";
import { Emulator } from "./emulator.ts";
import { eventually } from "./eventually.ts";
import { inCheckout, MODEL_VENV, SYNAPSE_VENV } from "./paths.ts";
import { lastLines, type Process, startProcess } from "./process.ts";

/** The time limit of any run; a first one on a busy machine takes a while. In ms. */
export const RUN_LIMIT_MS = 150_000;

/** An address without an Ollama. */
export const NO_OLLAMA = "127.0.0.1:1";

/** The line of proof below an answer: room, device and owner. */
export const PROOF =
  /^proof: room (![^ ]+): encrypted with m\.megolm\.v1\.aes-sha2 · agent's device ([A-Z]+) · signed by its owner (@agent_[^ ]+:localhost) \(cross-signed\)$/m;

const QUICKSTART = inCheckout("quickstart/quickstart.ts");

/** Starts a quickstart in a folder of its own. */
export function startQuickstart(directory: string, args: readonly string[], ollama = NO_OLLAMA): Promise<Process> {
  return startProcess({
    command: process.execPath,
    args: [QUICKSTART, ...args],
    env: environment(directory, ollama),
    lastSignal: "SIGTERM",
  });
}

function environment(directory: string, ollama: string): NodeJS.ProcessEnv {
  return {
    QUICKSTART_DIR: directory,
    QUICKSTART_VENV: SYNAPSE_VENV,
    QUICKSTART_MODEL_VENV: MODEL_VENV,
    OLLAMA_HOST: ollama,
  };
}

/** A quickstart on a terminal. */
export interface OnTerminal extends AsyncDisposable {
  readonly run: Process;
  readonly terminal: Emulator;
}

/** Starts one on a terminal of 60 columns. */
export async function startOnTerminal(
  directory: string,
  args: readonly string[],
  ollama = NO_OLLAMA,
): Promise<OnTerminal> {
  const size = { columns: 60, rows: 24 };
  const run = await startProcess({
    command: "python3",
    args: [
      inCheckout("test/support/pseudo_terminal.py"),
      `${size.columns}`,
      `${size.rows}`,
      process.execPath,
      QUICKSTART,
      ...args,
    ],
    env: { ...environment(directory, ollama), TERM: "xterm-256color" },
  });
  const terminal = new Emulator(size);
  run.onOutput((chunk) => terminal.write(chunk));
  return { run, terminal, [Symbol.asyncDispose]: () => run.stop().then(() => undefined) };
}

/** The exit code or signal; it is made to end when it takes too long. */
export async function endOf(run: Process): Promise<Exit> {
  try {
    return await eventually("the quickstart to end", () => run.exit(), { timeoutMs: RUN_LIMIT_MS });
  } catch (cause) {
    await run.stop();
    throw new Error(`it did not end:\n${lastLines(run)}`, { cause });
  }
}

/** The processes that have this folder in their arguments. */
export async function processesOf(directory: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)("ps", ["-eo", "pid=,args="]);
  return stdout.split("\n").filter((line) => line.includes(directory));
}
