import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inCheckout } from "../../support/paths.ts";
import { startProcess } from "../../support/process.ts";

describe("the appservice libraries", () => {
  it("are loaded without a deprecation of Node.js", async () => {
    for (const file of ["appservice-bridge", "bridge-log", "app-service"]) {
      const program = `await import(${JSON.stringify(inCheckout(`src/homeserver/${file}.ts`))})`;
      const child = await startProcess({
        command: process.execPath,
        args: ["--throw-deprecation", "--input-type=module", "-e", program],
      });
      assert.deepEqual([(await child.exited).code, child.stderr], [0, []], file);
    }
  });
});
