import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { openEmbedded } from "../../../src/database/embedded.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

const ROUNDS = 8;
const ROWS = 5_000;

/** The bytes of a folder's files. */
async function bytesOf(folder: string): Promise<number> {
  const sizes = (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

it("keeps an embedded database in which rows come and go as small as it was", async (test) => {
  const directory = await temporaryDirectory("upkeep");
  const database = await openEmbedded(directory);
  test.after(() => database.close());
  await database.execute("create table passing (number bigserial primary key, padding text not null)");
  const signal = new AbortController().signal;
  const sizes: { readonly table: number; readonly log: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await database.query("insert into passing (padding) select repeat('x', 500) from generate_series(1, $1::int)", [
      ROWS,
    ]);
    await database.query("delete from passing");
    await database.upkeep?.(signal);
    const { rows } = await database.query<{ bytes: number }>("select pg_total_relation_size('passing') as bytes");
    sizes.push({ table: rows[0]?.bytes ?? NaN, log: await bytesOf(join(directory, "pg_wal")) });
  }
  const [first, last] = [sizes.at(1), sizes.at(-1)];
  assert.ok(first !== undefined && last !== undefined);
  const shown = JSON.stringify(sizes);
  assert.ok(last.table <= first.table, shown);
  assert.ok(last.log <= first.log, shown);
});

it("counts the rows of an embedded database for the planner", async (test) => {
  const database = await openEmbedded(await temporaryDirectory("upkeep-statistics"));
  test.after(() => database.close());
  await database.execute("create table counted as select n from generate_series(1, 3000) n");
  await database.upkeep?.(new AbortController().signal);
  const { rows } = await database.query("select reltuples::int as rows from pg_class where relname = 'counted'");
  assert.deepEqual(rows, [{ rows: 3000 }]);
});
