import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { inCheckout } from "../../support/paths.ts";
import { startProcess } from "../../support/process.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

/** Runs a test file as test/run.ts does, and returns what it says. */
async function runFile(source: string, limits: Record<string, string>): Promise<{ ended: unknown; said: string }> {
  const folder = await temporaryDirectory("limits");
  const file = join(folder, "some.test.mjs");
  await writeFile(
    file,
    `import { describe, it } from "node:test";\nimport { createServer } from "node:net";\n${source}`,
  );
  await writeFile(join(folder, "slow.mjs"), "await new Promise((done) => setTimeout(done, 300));");
  const limited = pathToFileURL(inCheckout("test/support/file-limits.ts")).href;
  // Under a runner, a test file speaks to it instead of to us.
  const own = Object.entries(process.env).filter(([name]) => name !== "NODE_TEST_CONTEXT");
  const child = await startProcess({
    command: process.execPath,
    args: ["--import", limited, file],
    env: { ...Object.fromEntries(own), ...limits },
  });
  return { ended: await child.exited, said: [...child.stdout, ...child.stderr].join("\n") };
}

describe("the process of a test file", () => {
  it("ends by itself when its tests have ended", async () => {
    const { ended, said } = await runFile('it("is good", () => {});', { TEST_LEFT_OPEN_MS: "60000" });
    assert.deepEqual(ended, { code: 0, signal: null }, said);
  });

  it("that left something open is ended and named, and so is what it left", async () => {
    const { ended, said } = await runFile('describe("a", () => { it("leaves", () => createServer().listen(0)); });', {
      TEST_LEFT_OPEN_MS: "10",
    });
    assert.deepEqual(ended, { code: 1, signal: null });
    assert.match(said, /some\.test\.mjs has ended its tests and does not end: it left open TCPServerWrap/);
  });

  it("is not ended while a file that was loaded slowly still has tests", async () => {
    const slow =
      'it("first", () => {});\nawait import("./slow.mjs");\nfor (const n of [1, 2, 3, 4]) it("next " + n, () => import("./slow.mjs?" + n));';
    const { ended, said } = await runFile(slow, { TEST_LEFT_OPEN_MS: "1000" });
    assert.deepEqual(ended, { code: 0, signal: null }, said);
    assert.match(said, /next 4/);
  });

  it("that blocks, or waits for ever while it is loaded, is killed and named", async () => {
    for (const source of [
      'it("blocks", () => { for (;;); });',
      "setInterval(() => {}, 1000); await new Promise(() => {});",
    ]) {
      const { ended, said } = await runFile(source, { TEST_WHOLE_MS: "1500" });
      assert.deepEqual(ended, { code: null, signal: "SIGKILL" });
      assert.match(said, /some\.test\.mjs takes longer than 1\.5 s and is killed/);
    }
  });
});
