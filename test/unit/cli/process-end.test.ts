import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { inCheckout } from "../../support/paths.ts";

const MODULE = inCheckout("src/cli/process-end.ts");

/** The end of a process that does something after it was told to end without helpers. */
function endOf(what: string): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const script = `import { endWithoutHelpers } from ${JSON.stringify(MODULE)}; endWithoutHelpers(); ${what}`;
  return spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
}

describe("a process that ends without helpers", () => {
  it("has its exit code, and has written all", () => {
    const { status, stdout } = endOf('process.exitCode = 3; process.stdout.write("x".repeat(200_000) + "end");');
    assert.equal(status, 3);
    assert.ok(stdout.endsWith("xend"));
    assert.equal(endOf("process.exit(143)").status, 143);
    assert.equal(endOf("").status, 0);
  });

  it("still shows an error that nobody catches", () => {
    for (const what of [
      'setTimeout(() => { throw new Error("out of order"); });',
      'void Promise.reject(new Error("out of order"));',
    ]) {
      const { status, stderr } = endOf(what);
      assert.equal(status, 1);
      assert.match(stderr, /out of order/);
    }
  });

  it("says nothing more of an error that is handled", () => {
    const { status, stderr } = endOf(
      'process.on("uncaughtException", () => process.exit(7)); setTimeout(() => { throw new Error("told already"); });',
    );
    assert.equal(status, 7);
    assert.equal(stderr, "");
  });
});
