// As install-synapse.ts, for the tiny model.
import { ensureTinyModel } from "./tiny-model.ts";

const [venv] = process.argv.slice(2);
try {
  if (venv === undefined) throw new Error("the folder to install the tiny model in is not given");
  await ensureTinyModel(venv, (line) => process.stdout.write(`${line}\n`));
} catch (error) {
  process.stderr.write(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
