// The proof that nothing is lost and nothing is said twice: npm run test:faults [-- part of a name …] [--kills N]
// [--seed N]
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startServices } from "../support/services.ts";
import { away } from "./away.ts";
import { clock } from "./clock.ts";
import { crashAtSteps } from "./crash-at-steps.ts";
import { diskFull } from "./disk-full.ts";
import type { Tally } from "./ledger.ts";
import { processes } from "./processes.ts";
import { fullQueue, midAnswer, randomKills } from "./random-kills.ts";
import { NotHere, type Scenario } from "./scenario.ts";
import { tools } from "./tools.ts";
import { transactions } from "./transactions.ts";

const SCENARIOS = [
  ...crashAtSteps,
  ...away,
  ...transactions,
  ...processes,
  ...diskFull,
  ...clock,
  ...tools,
  fullQueue,
  midAnswer,
  ...randomKills,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    kills: { type: "string", default: "100" },
    seed: { type: "string", default: String(Date.now() % 100_000) },
  },
});
const chosen = SCENARIOS.filter(
  ({ name }) => positionals.length === 0 || positionals.some((part) => name.toLowerCase().includes(part.toLowerCase())),
);
if (chosen.length === 0)
  throw new Error(`no fault is called so; there are:\n${SCENARIOS.map((s) => s.name).join("\n")}`);

/** The result of a scenario. */
type Outcome =
  | { readonly kind: "counted"; readonly tally: Tally; readonly good: boolean }
  | { readonly kind: "not run" | "failed"; readonly why: string };

const temporary = await mkdtemp(join(tmpdir(), "matrix-agents-faults-"));
await chmod(temporary, 0o711);
process.env["TMPDIR"] = temporary;
const services = await startServices((line) => console.error(line));
console.log(`seed ${values.seed}`);
const rows: { readonly name: string; readonly outcome: Outcome; readonly seconds: number }[] = [];
try {
  for (const scenario of chosen) {
    console.log(`▶ ${scenario.name}`);
    const started = performance.now();
    const outcome = await outcomeOf(scenario);
    const seconds = Math.round((performance.now() - started) / 1000);
    rows.push({ name: scenario.name, outcome, seconds });
    console.log(`  ${outcome.kind === "counted" ? JSON.stringify(outcome.tally) : `${outcome.kind}: ${outcome.why}`}`);
  }
} finally {
  await services.stop();
  await rm(temporary, { recursive: true, force: true });
}
console.log(`\n${table()}`);
const bad = rows.filter(({ outcome }) => outcome.kind === "failed" || (outcome.kind === "counted" && !outcome.good));
console.log(
  bad.length === 0 ? "\nNothing lost, nothing said twice." : `\nNot good: ${bad.map((row) => row.name).join("; ")}`,
);
process.exitCode = bad.length === 0 ? 0 : 1;

async function outcomeOf(scenario: Scenario): Promise<Outcome> {
  try {
    const tally = await scenario.run({
      kills: Number(values.kills),
      random: seeded(Number(values.seed)),
      progress: (line) => console.log(`  ${line}`),
    });
    const { lost, twice, undecryptable, notices } = tally;
    const isGood = lost + twice + undecryptable === 0 && (notices === 0 || scenario.noticesAllowed === true);
    return { kind: "counted", tally, good: isGood };
  } catch (error) {
    if (error instanceof NotHere) return { kind: "not run", why: error.message };
    return { kind: "failed", why: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function table(): string {
  const head = ["fault", "asked", "once", "lost", "twice", "undecryptable", "notices", "seconds"];
  const lines = rows.map(({ name, outcome, seconds }) => {
    if (outcome.kind !== "counted") return [name, `${outcome.kind}: ${outcome.why.split("\n")[0] ?? ""}`];
    const { asked, once, lost, twice, undecryptable, notices } = outcome.tally;
    return [name, ...[asked, once, lost, twice, undecryptable, notices, seconds].map(String)];
  });
  const widths = head.map((title, column) =>
    Math.max(
      title.length,
      ...lines.filter((line) => line.length === head.length).map((line) => line[column]?.length ?? 0),
    ),
  );
  return [head, ...lines]
    .map((line) =>
      line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))),
    )
    .map((cells) => cells.join("  "))
    .join("\n");
}

/** Numbers between 0 and 1, the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
