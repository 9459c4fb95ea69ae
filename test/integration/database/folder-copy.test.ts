import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { readHeldCopy } from "../../../src/database/embedded-copy.ts";
import { openEmbedded } from "../../../src/database/embedded.ts";
import { FolderCopy } from "../../../src/database/folder-copy.ts";
import { databaseOfBridge } from "../../../src/database/served/client.ts";
import { serveDatabase } from "../../../src/database/served/server.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { layEmbedded } from "../../support/embedded.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

/** A time that lies so far back that no change since could hide in it. */
const LONG_AGO = new Date("2020-01-01");

async function contents(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const texts = await Promise.all(
    files.map(async (file) => [file.slice(folder.length + 1), await readFile(file, "utf8")]),
  );
  return Object.fromEntries(texts.sort()) as Record<string, string>;
}

describe("a copy of a folder that is written into", () => {
  it("is equal to the folder at its end, whatever has changed meanwhile", async () => {
    const from = await temporaryDirectory("from");
    const to = join(await temporaryDirectory("to"), "copy");
    await mkdir(join(from, "inner"));
    for (const name of ["same", "longer", "rewritten", "quick", "gone", "inner/same", "inner/gone"]) {
      await writeFile(join(from, name), "before");
      if (name !== "quick") await utimes(join(from, name), LONG_AGO, LONG_AGO);
    }
    const copy = new FolderCopy(from, to);
    await copy.prepare();
    assert.deepEqual(await contents(to), await contents(from));
    await writeFile(join(to, "same"), "is not copied again");
    await writeFile(join(from, "longer"), "afterwards");
    await writeFile(join(from, "rewritten"), "after!");
    // Within one tick of the file system's clock.
    const { mtime } = await stat(join(from, "quick"));
    await writeFile(join(from, "quick"), "after!");
    await utimes(join(from, "quick"), mtime, mtime);
    await rm(join(from, "gone"));
    await rm(join(from, "inner/gone"));
    await mkdir(join(from, "new"));
    await writeFile(join(from, "new/file"), "new");
    await copy.finish();
    assert.deepEqual(await contents(to), { ...(await contents(from)), same: "is not copied again" });
  });
});

describe("a copy of the database of a running bridge", () => {
  it("has all that was committed before its moment, and nothing after it, while the bridge goes on writing", async () => {
    const dataDir = await temporaryDirectory("held");
    await layEmbedded(join(dataDir, "database"));
    const own = await openEmbedded(join(dataDir, "database"));
    await own.execute("create table notes (number integer generated always as identity primary key, filling text)");
    const server = await serveDatabase(own, dataDir, silentLogger());
    const done = new AbortController();
    let longestMs = 0;
    const writing = (async () => {
      // The database alone would let nothing else of this process in.
      while (!done.signal.aborted) {
        const began = performance.now();
        await own.query("insert into notes (filling) values (repeat('x', 5000))");
        longestMs = Math.max(longestMs, performance.now() - began);
        await setImmediate();
      }
    })();
    const count = "select count(*)::integer as count, max(number) as last from notes";
    try {
      const served = (await databaseOfBridge(dataDir)) ?? assert.fail("nobody serves the database");
      for (let round = 0; round < 3; round++) {
        const ask = async (target: Pick<typeof own, "query">) => (await target.query(count)).rows;
        const [copied, asked] = await readHeldCopy(served, dataDir, ask, async (copy, then) => [await ask(copy), then]);
        assert.deepEqual(copied, asked);
      }
    } finally {
      done.abort();
      await writing;
      await server.close();
      await own.close();
    }
    assert.ok(longestMs < 2_000, `the bridge waited for ${longestMs} ms`);
    assert.deepEqual((await readdir(dataDir)).sort(), ["database"]);
  });
});
