// Fails when an answer makes more work than it did: npm run bench:check [-- --write]
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { inCheckout } from "../support/paths.ts";
import { startServices } from "../support/services.ts";
import { counts, type Counts, type CountsByScenario } from "./counts.ts";

const COMMITTED = inCheckout("test/bench/counts.json");

/**
 * The random variation of a count: a reader sometimes comes a tick later than another one, and asks separately; texts
 * and keys are some bytes longer or shorter.
 */
const SLACK: Readonly<Record<keyof Counts, (before: number) => number>> = {
  roundTrips: () => 2,
  statements: () => 2,
  transactions: () => 0,
  calls: () => 0,
  wal: (before) => before * 0.1,
};

const { values } = parseArgs({ options: { write: { type: "boolean", default: false } } });
const temporary = await mkdtemp(join(tmpdir(), "matrix-agents-bench-"));
await chmod(temporary, 0o711);
process.env["TMPDIR"] = temporary;
const services = await startServices((line) => console.error(line));
try {
  const now = await counts(6);
  console.table(now);
  if (values.write) await writeFile(COMMITTED, `${JSON.stringify(now, undefined, 2)}\n`);
  const before = JSON.parse(await readFile(COMMITTED, "utf8")) as CountsByScenario;
  for (const line of compared(before, now)) {
    console.error(line);
    process.exitCode = 1;
  }
} finally {
  await services.stop();
  await rm(temporary, { recursive: true, force: true });
}

/** A line for each count that has grown, or that is committed though no scenario counts it. */
function compared(before: CountsByScenario, now: CountsByScenario): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].flatMap((scenario) => {
    const [old, counted] = [before[scenario], now[scenario]];
    if (old === undefined || counted === undefined) return [`${scenario}: counted once only; write the counts anew`];
    return (Object.keys(counted) as (keyof Counts)[])
      .filter((of) => counted[of] > old[of] + SLACK[of](old[of]))
      .map((of) => `${scenario}: ${counted[of]} ${of}, and ${old[of]} before`);
  });
}
