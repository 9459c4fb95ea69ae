import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { openEmbedded } from "../../../src/database/embedded.ts";
import { watchDisk } from "../../support/power-cut.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

it("keeps in the embedded database all that was committed before a power cut", async (test) => {
  const directory = await temporaryDirectory("power-cut");
  const before = join(directory, "before");
  const database = await openEmbedded(before);
  test.after(() => database.close());
  const disk = await watchDisk(test, before);
  await database.execute("create table kept (number integer primary key, padding text)");
  const keep = (from: number, to: number): Promise<unknown> =>
    database.query("insert into kept select n, repeat('x', 1000) from generate_series($1::int, $2::int) n", [from, to]);
  await keep(1, 2_000);
  await database.upkeep?.(new AbortController().signal);
  await database.query("delete from kept where number <= 100");
  await keep(2_001, 2_001);
  // Without a commit: nothing keeps this.
  const undone = database.transaction(async (tx) => {
    await tx.query("delete from kept");
    disk.writeTo(join(directory, "after"));
    throw new Error("not committed");
  });
  await assert.rejects(undone, /not committed/);

  const after = await openEmbedded(join(directory, "after"));
  test.after(() => after.close());
  const { rows } = await after.query(
    "select count(*)::int as count, min(number) as first, max(number) as last from kept",
  );
  assert.deepEqual(rows, [{ count: 1_901, first: 101, last: 2_001 }]);
});

it("lets no other user read a new embedded database", async (test) => {
  const folder = join(await temporaryDirectory("private"), "database");
  const database = await openEmbedded(folder);
  test.after(() => database.close());
  await database.execute("create table added (number integer)");
  const open: string[] = [];
  for (const path of ["", ...(await readdir(folder, { recursive: true }))]) {
    const { mode } = await stat(join(folder, path));
    if ((mode & 0o022) !== 0 || (path === "" && (mode & 0o077) !== 0)) open.push(path);
  }
  assert.deepEqual(open, []);
});

it("keeps a new embedded database, too", async (test) => {
  const directory = await temporaryDirectory("power-cut-new");
  const disk = await watchDisk(test, directory);
  const database = await openEmbedded(join(directory, "database"));
  test.after(() => database.close());
  await database.execute("create table kept as select 1 as number");
  const target = await temporaryDirectory("power-cut-after");
  disk.writeTo(target);

  const after = await openEmbedded(join(target, "database"));
  test.after(() => after.close());
  assert.deepEqual((await after.query("select number from kept")).rows, [{ number: 1 }]);
});
