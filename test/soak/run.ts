// Lets people talk with a bridge for a long time, restarts it, and looks whether anything grows or is lost:
//   npm run soak -- --minutes 60 [--out folder]
// Linux only: memory is read from /proc.
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { thisMachine } from "../bench/machine.ts";
import { inCheckout } from "../support/paths.ts";
import { startServices } from "../support/services.ts";
import { plotOf, reportOf } from "./report.ts";
import { soak, type SoakResults } from "./soak.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "3" },
    out: { type: "string", default: inCheckout("soak-results") },
  },
});
const minutes = Number(values.minutes);
if (!(minutes >= 3)) throw new Error("--minutes takes a number from 3: a shorter run has no warm process");

const temporary = await mkdtemp(join(tmpdir(), "matrix-agents-soak-"));
await chmod(temporary, 0o711);
process.env["TMPDIR"] = temporary;
const machine = thisMachine();
const progress = (line: string): void => void process.stderr.write(`${line}\n`);
try {
  const services = await startServices(progress);
  try {
    const result = await soak(minutes, progress);
    await mkdir(values.out, { recursive: true });
    const { samples, ...results } = result;
    const files = new Map([
      ["soak.json", `${JSON.stringify({ machine, ...results } satisfies SoakResults, undefined, 2)}\n`],
      ["samples.json", `${JSON.stringify(samples)}\n`],
      ["soak.svg", `${plotOf(result)}\n`],
    ]);
    for (const [name, content] of files) await writeFile(join(values.out, name), content);
    const { lines, isGood } = reportOf(result);
    console.log(`${lines.join("\n")}\nwritten to ${values.out}: ${[...files.keys()].join(", ")}`);
    process.exitCode = isGood ? 0 : 1;
  } finally {
    await services.stop();
  }
} finally {
  await rm(temporary, { recursive: true, force: true });
}
