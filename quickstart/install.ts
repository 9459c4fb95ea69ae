import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { startChild } from "./children.ts";
import { QuickstartError } from "./errors.ts";

/** The packages that can be installed, each with the script that does so. */
const INSTALLERS = {
  Synapse: "./install-synapse.ts",
  "The tiny model": "./install-tiny-model.ts",
} as const;

/**
 * Installs packages into a Python environment; quick when they are there. Ends all that it started when `signal`
 * aborts. Throws {@link QuickstartError}.
 *
 * @param progress is told each step, line by line.
 */
export async function install(
  what: keyof typeof INSTALLERS,
  venv: string,
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const child = startChild(INSTALLERS[what], [venv], { output: "pipe" });
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error("the installer's output is not piped");
  createInterface({ input: stdout }).on("line", progress);
  const complaint = text(stderr);
  const interrupted = Promise.withResolvers<"interrupted">();
  const abort = (): void => {
    interrupted.resolve("interrupted");
  };
  signal.addEventListener("abort", abort);
  if ((await Promise.race([child.exited, interrupted.promise])) === "interrupted") await child.stop();
  signal.removeEventListener("abort", abort);
  const { code } = await child.exited;
  signal.throwIfAborted();
  if (code !== 0) throw new QuickstartError(`${what} could not be installed. ${(await complaint).trim()}`);
}
