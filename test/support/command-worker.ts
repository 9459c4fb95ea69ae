// The thread of command-thread.ts. Standard output and error of a thread are its own.
import assert from "node:assert/strict";
import { on } from "node:events";
import { parentPort } from "node:worker_threads";
import { exitCodeOf } from "../../src/cli/exit-code.ts";
import type { CommandResult } from "./command.ts";

const port = parentPort;
assert.ok(port !== null);

let stdout = "";
let stderr = "";
process.stdout.write = (chunk: string | Uint8Array): boolean => {
  stdout += String(chunk);
  return true;
};
process.stderr.write = (chunk: string | Uint8Array): boolean => {
  stderr += String(chunk);
  return true;
};

for await (const [args] of on(port, "message") as AsyncIterable<[readonly string[]]>) {
  stdout = "";
  stderr = "";
  const code = await exitCodeOf(args);
  port.postMessage({ code, stdout, stderr } satisfies CommandResult);
}
