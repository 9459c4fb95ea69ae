// Loaded before a program (node --import): measures how long its event loop is kept from turning. From a SIGUSR2 on the
// longest time counts, and is written at the end as JSON into the file that EVENT_LOOP_FILE names: by the clock, and of the
// processor, which a machine that does other things at the time makes no longer.
import { writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

const EVERY_MS = 5;

// Not in the processes that read documents.
if (process.env.EVENT_LOOP_FILE !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: EVERY_MS });
  delay.enable();
  let longestMs = 0;
  let before = process.threadCpuUsage();
  let at = performance.now();
  setInterval(() => {
    const { user, system } = process.threadCpuUsage(before);
    const passedMs = performance.now() - at;
    longestMs = Math.max(longestMs, Math.min((user + system) / 1_000, passedMs));
    before = process.threadCpuUsage();
    at = performance.now();
  }, EVERY_MS).unref();
  process.on("SIGUSR2", () => {
    longestMs = 0;
    before = process.threadCpuUsage();
    delay.reset();
  });
  process.on("exit", () => {
    writeFileSync(process.env.EVENT_LOOP_FILE, JSON.stringify({ byClock: delay.max / 1e6, byProcessor: longestMs }));
  });
}
