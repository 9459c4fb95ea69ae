#!/usr/bin/env node
import { exitCodeOf } from "./cli/exit-code.ts";

// The reader has closed the pipe (`| head`). This is no failure; no more is written.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

process.exitCode = await exitCodeOf(process.argv.slice(2));
