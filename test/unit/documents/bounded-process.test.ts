import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  ProcessEnded,
  ProcessNotStarted,
  runBounded,
  type ProcessLimits,
} from "../../../src/documents/bounded-process.ts";

const LIMITS: ProcessLimits = { timeoutMs: 20_000, maxMemoryBytes: 400_000_000, maxOutputBytes: 1_000 };
const run = (script: string, limits: Partial<ProcessLimits> = {}): Promise<Buffer> =>
  runBounded({ file: process.execPath, args: ["-e", script] }, Buffer.from("input"), { ...LIMITS, ...limits });

describe("a bounded process", () => {
  it("gets its input and nothing of our environment, and is the first to end when memory runs out", async () => {
    process.env["A_SECRET"] = "secret";
    const script = `process.stdin.pipe(process.stdout);
      console.log(JSON.stringify(process.env));
      const look = () => {
        const adjusted = require("fs").readFileSync("/proc/self/oom_score_adj", "utf8").trim();
        if (adjusted === "1000") console.log(adjusted);
        else setTimeout(look, 5);
      };
      look();`;
    const output = (await run(script)).toString();
    assert.match(output, /input/);
    assert.match(output, /1000/);
    assert.doesNotMatch(output, /secret/);
    delete process.env["A_SECRET"];
  });

  it("is ended when it writes too much, takes too much time or memory, or fails", async () => {
    await assert.rejects(run("for (;;) process.stdout.write('x'.repeat(100))"), ProcessEnded);
    await assert.rejects(run("for (;;);", { timeoutMs: 100 }), /ProcessEnded: it took too long/);
    const hungry = "const all = []; setInterval(() => all.push(Buffer.alloc(10_000_000, 1)), 1)";
    await assert.rejects(run(hungry, { maxMemoryBytes: 200_000_000 }), /ProcessEnded: it took too much memory/);
    await assert.rejects(run("process.exit(3)"), /ProcessEnded: it ended with exit code 3/);
    await assert.rejects(run("process.kill(process.pid, 'SIGKILL')"), /ProcessEnded: it ended with SIGKILL/);
  });

  it("that can't be started says so, because that says nothing about its input", async () => {
    await assert.rejects(runBounded({ file: "/nowhere", args: [] }, Buffer.alloc(0), LIMITS), ProcessNotStarted);
  });
});
