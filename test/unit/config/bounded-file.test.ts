import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { FileTooLarge, readBoundedFile } from "../../../src/config/bounded-file.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

describe("a file that is read within a bound", () => {
  it("is not read beyond it, also where it has no end", async () => {
    const path = join(await temporaryDirectory("bounded"), "file");
    await writeFile(path, "12345");
    assert.equal(await readBoundedFile(path, 5), "12345");
    await assert.rejects(readBoundedFile(path, 4), FileTooLarge);
    await assert.rejects(readBoundedFile("/dev/zero", 1_000), FileTooLarge);
  });

  it("is said to be waited for where it is a pipe into which nobody writes", async (t) => {
    const path = join(await temporaryDirectory("bounded"), "pipe");
    execFileSync("mkfifo", [path]);
    const said = new Promise<string>((resolve) => {
      t.mock.method(process.stderr, "write", (words: string) => {
        resolve(words);
        return true;
      });
    });
    const reading = readBoundedFile(path, 10);
    assert.equal(await said, `matrix-agents: still waiting for ${path}\n`);
    const writer = await open(path, "w");
    await writer.writeFile("words");
    await writer.close();
    assert.equal(await reading, "words");
  });
});
