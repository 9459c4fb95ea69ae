// What things take, with ratios taken in one run: npm run bench [-- --questions 40] [--ghosts 200]
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startServices } from "../support/services.ts";
import { latency } from "./latency.ts";
import { manyGhosts } from "./many-ghosts.ts";
import type { Row } from "./row.ts";

const { values } = parseArgs({
  options: { questions: { type: "string", default: "40" }, ghosts: { type: "string", default: "200" } },
});

const temporary = await mkdtemp(join(tmpdir(), "matrix-agents-bench-"));
await chmod(temporary, 0o711);
process.env["TMPDIR"] = temporary;
const services = await startServices((line) => console.error(line));
try {
  print("An encrypted question and its answer, by the person's client", await latency(Number(values.questions)));
  const many = await manyGhosts(Number(values.ghosts));
  print(`${values.ghosts} agents in one encrypted room`, many.rows);
  console.log(`  at most ${many.peak} calls to Synapse at once, ${many.syncPeak} of them /sync`);
} finally {
  await services.stop();
  await rm(temporary, { recursive: true, force: true });
}

function print(title: string, rows: readonly Row[]): void {
  const first = rows[0]?.ms ?? 1;
  const width = Math.max(...rows.map(({ what }) => what.length));
  console.log(`\n${title}`);
  for (const { what, ms } of rows) {
    console.log(`  ${what.padEnd(width)}  ${String(Math.round(ms)).padStart(6)} ms  ×${(ms / first).toFixed(2)}`);
  }
}
