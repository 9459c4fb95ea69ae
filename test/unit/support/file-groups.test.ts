import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { asOneFile, groupsOf, interleaved } from "../../support/file-groups.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

function sized(...sizes: number[]): { paths: string[]; size: number }[] {
  return sizes.map((size, index) => ({ paths: [`/${index}.test.ts`], size }));
}

describe("groups of test files", () => {
  it("are about equally large, the largest first, and contain each file once", () => {
    const groups = groupsOf(sized(1, 9, 4, 5, 3), 2);
    assert.deepEqual(
      groups.map(({ size }) => size),
      [12, 10],
    );
    assert.deepEqual(groups[0]?.paths, ["/1.test.ts", "/4.test.ts"]);
    assert.equal(new Set(groups.flatMap(({ paths }) => paths)).size, 5);
  });

  it("are never more than the files", () => {
    assert.equal(groupsOf(sized(1, 2), 6).length, 2);
    assert.deepEqual(groupsOf([], 6), []);
  });

  it("of several suites run side by side, however many there are of each", () => {
    assert.deepEqual(interleaved([["a", "b"], ["1", "2", "3", "4"], []]), ["a", "1", "2", "b", "3", "4"]);
  });

  it("are one file with the tests of all, and a single file is itself", async () => {
    const directory = await temporaryDirectory("groups");
    assert.equal(await asOneFile(["/a.test.ts"], directory, "unit-1"), "/a.test.ts");
    const path = await asOneFile(["/a.test.ts", "/b c.test.ts"], directory, "unit-1");
    assert.equal(await readFile(path, "utf8"), 'import "file:///a.test.ts";\nimport "file:///b%20c.test.ts";\n');
  });
});
