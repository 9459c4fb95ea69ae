// Measures the bridge, beside plain bots on public libraries:
//   npm run bench [-- --quick] [--only answer,members] [--agents 1000] [--out folder]
// Linux only: the processor's time is read from /proc.
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ensureVenv } from "../../quickstart/venv.ts";
import { inCheckout, SYNAPSE_POSTGRES_PACKAGES, SYNAPSE_POSTGRES_VENV } from "../support/paths.ts";
import { startServices } from "../support/services.ts";
import { counts } from "./counts.ts";
import { thisMachine } from "./machine.ts";
import type { Measured } from "./measured.ts";
import { svgOf } from "./report/plot.ts";
import { plotsOf } from "./report/plots.ts";
import { asMarkdown, asText } from "./report/table.ts";
import { tablesOf } from "./report/tables.ts";
import type { Results } from "./results.ts";
import { databaseAge } from "./scenarios/database-age.ts";
import { delays } from "./scenarios/delays.ts";
import { encryptedAnswer } from "./scenarios/encrypted-answer.ts";
import { history } from "./scenarios/history.ts";
import { idleMemory } from "./scenarios/idle-memory.ts";
import { keptRows } from "./scenarios/kept-rows.ts";
import { liveAnswers } from "./scenarios/live-answers.ts";
import { pauses } from "./scenarios/pauses.ts";
import { queuedTurns } from "./scenarios/queued-turns.ts";
import { roomMembers } from "./scenarios/room-members.ts";
import { rooms } from "./scenarios/rooms.ts";
import { sharedDevices } from "./scenarios/shared-devices.ts";
import { severalProcesses } from "./scenarios/processes.ts";
import { statementCosts } from "./scenarios/statement-costs.ts";
import { threads } from "./scenarios/threads.ts";
import { starts } from "./scenarios/starts.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    agents: { type: "string", default: "200" },
    out: { type: "string", default: inCheckout("bench-results") },
  },
});
const { quick } = values;

/** Each measures one part, in the order in which they run. */
const SCENARIOS: Readonly<Record<keyof Measured, () => Promise<Partial<Measured>>>> = {
  answer: async () => ({
    answer: await encryptedAnswer({ agents: 1, compare: true, rounds: quick ? 3 : 5, questions: quick ? 10 : 20 }),
  }),
  pauses: async () => ({ pauses: await pauses(quick ? 10 : 30) }),
  counts: async () => ({ counts: await counts(3) }),
  statements: async () => ({ statements: await statementCosts(20) }),
  idle: async () => ({ idle: await idleMemory(5) }),
  kept: async () => ({ kept: await keptRows(50) }),
  delays: async () => ({ delays: await delays(5) }),
  members: async () => ({ members: await roomMembers([5, 50, 200, 1_000], 10) }),
  devices: async () => ({ devices: await sharedDevices([50, 500, 5_000]) }),
  live: async () => ({ live: await liveAnswers(3) }),
  rooms: async () => ({ rooms: await rooms([5, 25, 100]) }),
  history: async () => ({ history: await history([10, 50, 250]) }),
  threads: async () => ({ threads: await threads([5, 50, 200]) }),
  queued: async () => ({ queued: await queuedTurns([1, 20, 200]) }),
  age: async () => ({ age: await databaseAge([1_000, 10_000, 100_000]) }),
  crowd: async () => ({
    crowd: [
      await encryptedAnswer({ agents: 10, compare: true, rounds: 3, questions: 3 }),
      await encryptedAnswer({ agents: 50, compare: true, rounds: 3, questions: 2 }),
      await encryptedAnswer({ agents: 100, compare: false, rounds: 3, questions: 2 }),
    ],
  }),
  processes: async () => ({
    processes: await severalProcesses({ agents: 20, sizes: [1, 2, 4], questions: 10, takeovers: 5 }),
  }),
  starts: async () => ({ starts: await starts({ agents: Number(values.agents), inRoom: 200 }) }),
};

/** With `--quick`: the scenarios that take under three minutes together. */
const QUICK: readonly string[] = ["answer", "pauses", "counts"];

const chosen = values.only?.split(",") ?? (quick ? QUICK : Object.keys(SCENARIOS));
const unknown = chosen.filter((name) => !(name in SCENARIOS));
if (unknown.length > 0)
  throw new Error(`there is no ${unknown.join(", ")}; there are ${Object.keys(SCENARIOS).join()}`);

const temporary = await mkdtemp(join(tmpdir(), "matrix-agents-bench-"));
await chmod(temporary, 0o711);
process.env["TMPDIR"] = temporary;
const machine = thisMachine();
const progress = (line: string): void => void process.stderr.write(`${line}\n`);
try {
  await ensureVenv({ directory: SYNAPSE_POSTGRES_VENV, packages: SYNAPSE_POSTGRES_PACKAGES, progress });
  const services = await startServices(progress);
  try {
    print(await measure());
  } finally {
    await services.stop();
  }
} finally {
  await rm(temporary, { recursive: true, force: true });
}

async function measure(): Promise<Measured> {
  let measured: Measured = {};
  for (const [name, run] of Object.entries(SCENARIOS)) {
    if (!chosen.includes(name)) continue;
    const started = performance.now();
    try {
      measured = { ...measured, ...(await run()) };
      // A run that is ended early has measured something.
      await write(measured);
    } catch (error) {
      // The other scenarios' numbers are worth their time.
      progress(`${name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      process.exitCode = 1;
    }
    progress(`${name}: ${Math.round((performance.now() - started) / 1_000)} s`);
  }
  return measured;
}

function print(measured: Measured): void {
  for (const table of tablesOf(measured)) console.log(`\n${asText(table)}`);
}

/** Writes the tables, the numbers and the plots. */
async function write(measured: Measured): Promise<void> {
  await mkdir(values.out, { recursive: true });
  const files = new Map([
    ["results.json", `${JSON.stringify({ machine, measured } satisfies Results, undefined, 2)}\n`],
    ["tables.md", `${tablesOf(measured).map(asMarkdown).join("\n\n")}\n`],
    ...[...plotsOf(measured)].map(([name, plot]) => [`${name}.svg`, `${svgOf(plot)}\n`] as const),
  ]);
  for (const [name, content] of files) await writeFile(join(values.out, name), content);
}
