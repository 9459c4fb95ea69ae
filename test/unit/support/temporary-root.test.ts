import assert from "node:assert/strict";
import { access, constants } from "node:fs/promises";
import { describe, it, type TestContext } from "node:test";
import { temporaryRoot } from "../../support/temporary-root.ts";

function withTmpdir(t: TestContext, folder: string | undefined): void {
  const before = process.env["TMPDIR"];
  const set = (value: string | undefined): void => {
    if (value === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = value;
  };
  set(folder);
  t.after(() => {
    set(before);
  });
}

describe("the folder for temporary files", () => {
  it("is the one that TMPDIR names", async (t) => {
    withTmpdir(t, "/var/tmp/of-somebody");
    assert.equal(await temporaryRoot(), "/var/tmp/of-somebody");
  });

  it("is otherwise one that can be written to", async (t) => {
    withTmpdir(t, undefined);
    await access(await temporaryRoot(), constants.W_OK);
  });
});
