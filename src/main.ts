#!/usr/bin/env -S MALLOC_TRIM_THRESHOLD_=131072 node --max-semi-space-size=8 --v8-pool-size=1
import { exitCodeOf } from "./cli/exit-code.ts";

// The reader has closed the pipe (`| head`). This is no failure; no more is written.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

process.exitCode = await exitCodeOf(process.argv.slice(2));
