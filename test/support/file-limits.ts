// Loaded before each test file, by node --import: ends the process of a file that goes on after its tests, or for too long, and names it.
import { writeSync } from "node:fs";
import { after, afterEach, beforeEach } from "node:test";
import { Worker } from "node:worker_threads";

const MINUTE_MS = 60_000;

/** The time that a process may go on after its last test. What it left open would keep it for ever. */
const LEFT_OPEN_MS = Number(process.env["TEST_LEFT_OPEN_MS"] ?? 2 * MINUTE_MS);

/** The time for all tests of a process, on a machine with much other work. */
const WHOLE_MS = Number(process.env["TEST_WHOLE_MS"] ?? 30 * MINUTE_MS);

const file = process.argv[1] ?? "";

let hasEnded = false;
let leftOpen: NodeJS.Timeout | undefined;

function wait(): void {
  clearTimeout(leftOpen);
  if (hasEnded) leftOpen = setTimeout(end, LEFT_OPEN_MS).unref();
}

function end(): void {
  const open = process.getActiveResourcesInfo().filter((name) => name !== "PipeWrap");
  writeSync(2, `${file} has ended its tests and does not end: it left open ${open.join(", ")}\n`);
  process.exit(1);
}

after(() => {
  hasEnded = true;
  wait();
});
// Of several files in a process, those that wait for something while they are loaded begin after the others' end.
beforeEach(wait);
afterEach(wait);

// In a thread of its own, because a test may block this one.
new Worker(
  `const { writeSync } = require("node:fs");
   const { workerData: { file, ms } } = require("node:worker_threads");
   setTimeout(() => {
     writeSync(2, file + " takes longer than " + ms / 1000 + " s and is killed\\n");
     process.kill(process.pid, "SIGKILL");
   }, ms);`,
  { eval: true, workerData: { file, ms: WHOLE_MS }, env: {}, execArgv: [] },
).unref();
