import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { changed } from "../support/docker-files.ts";
import { goTool, runTool } from "../support/go-tools.ts";
import { ensureLinters, lint } from "../support/linters.ts";
import { inCheckout } from "../support/paths.ts";

const WORKFLOW = ".github/workflows/ci.yaml";

describe(WORKFLOW, () => {
  before(ensureLinters);

  it("follows the schema of workflows", async () => {
    const check = (file: string) => lint("check-jsonschema", ["--builtin-schema", "vendor.github-workflows", file]);
    assert.equal(await check(inCheckout(WORKFLOW)), "");
    assert.match(
      await check(await changed(WORKFLOW, "runs-on: ubuntu-24.04", "run-on: ubuntu-24.04")),
      /runs-on|run-on/,
    );
  });

  it("has no faults that actionlint knows", async () => {
    const actionlint = await goTool("actionlint");
    assert.deepEqual(await runTool(actionlint, [inCheckout(WORKFLOW)]), { code: 0, said: "", stdout: "" });
    const wrong = await changed(WORKFLOW, "needs: check", "needs: chekc");
    assert.match((await runTool(actionlint, [wrong])).said, /chekc/);
  });
});
