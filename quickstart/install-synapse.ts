// A process of its own, so that an install can be ended with all the programs it started. Prints what it is doing on
// standard output, a line at a time, and why it failed on standard error.
import { ensureSynapse } from "./synapse.ts";

const [venv] = process.argv.slice(2);
try {
  if (venv === undefined) throw new Error("the folder to install Synapse in is not given");
  await ensureSynapse(venv, (line) => process.stdout.write(`${line}\n`));
} catch (error) {
  process.stderr.write(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
