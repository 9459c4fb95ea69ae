// Loaded before a program (node --import): measures how long its event loop is blocked. From a SIGUSR2 on it records
// the longest time, and at the end writes it as JSON to the file of EVENT_LOOP_FILE: by the clock, and as processor
// time, which other work on the machine does not lengthen.
import { writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

const EVERY_MS = 5;

// Processes that read documents are left out.
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
