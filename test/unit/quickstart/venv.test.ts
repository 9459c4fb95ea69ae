import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ensureVenv, VenvError, wantedOf } from "../../../quickstart/venv.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

describe("making a Python environment", () => {
  it("deletes no folder that is something else", async () => {
    for (const name of [".git", "notes.txt", "package.json"]) {
      const directory = await temporaryDirectory("venv");
      await writeFile(join(directory, name), "");
      await assert.rejects(ensureVenv({ directory, packages: { named: [] }, progress: () => undefined }), VenvError);
      assert.deepEqual(await readdir(directory), [name]);
    }
  });

  it("makes pip refuse files without one of the hashes", () => {
    assert.deepEqual(wantedOf({ locked: "/lock.txt" }), ["--require-hashes", "-r", "/lock.txt"]);
    assert.deepEqual(wantedOf({ locked: "/lock.txt", alone: true }), [
      "--require-hashes",
      "--no-deps",
      "-r",
      "/lock.txt",
    ]);
  });
});
