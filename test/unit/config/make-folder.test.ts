import assert from "node:assert/strict";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { makeFolder } from "../../../src/config/make-folder.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

/** Linux has a file system there on which nobody can make a folder; elsewhere there is none. */
const SYSTEM = "/proc";

describe("a folder of the bridge", () => {
  it("is made with those above it, for its owner alone, and may be there already", async () => {
    const root = await temporaryDirectory("folders");
    for (let time = 0; time < 2; time++) await makeFolder(join(root, "a", "b", "c"));
    await Promise.all(Array.from({ length: 8 }, () => makeFolder(join(root, "d", "e", "f"))));
    for (const made of ["a", "a/b", "a/b/c", "d", "d/e/f"]) {
      assert.equal(((await stat(join(root, made))).mode & 0o777).toString(8), "700", made);
    }
    await makeFolder("/");
  });

  it("is refused where a file has its name, or that of a folder above it", async () => {
    const file = join(await temporaryDirectory("folders"), "file");
    await writeFile(file, "");
    await assert.rejects(makeFolder(file), { code: "EEXIST" });
    await assert.rejects(makeFolder(join(file, "a", "b")), { code: "ENOTDIR" });
  });

  it("is refused at once by a file system that makes none", async () => {
    for (const path of ["nowhere", "nowhere/a", "nowhere/a/b/c"]) {
      await assert.rejects(makeFolder(join(SYSTEM, path)), /ENOENT|EACCES|EROFS|EPERM/);
    }
  });
});
