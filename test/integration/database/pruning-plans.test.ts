import assert from "node:assert/strict";
import { it } from "node:test";
import { deleteInBatches } from "../../../src/database/batches.ts";
import type { Database, Queryable } from "../../../src/database/database.ts";
import { pruneReplays } from "../../../src/ghost/replays.ts";
import { forEachDatabase } from "../../support/databases.ts";

const ROWS = 20_000;

/** The rows of a table that some work reads. The work sees one transaction, in which PostgreSQL counts. */
function rowsRead(database: Database, table: string, work: (within: Database) => Promise<unknown>): Promise<number> {
  const counted = async (tx: Queryable): Promise<number> => {
    const { rows } = await tx.query<{ count: number }>(
      `select (seq_tup_read + coalesce(idx_tup_fetch, 0))::integer as count
       from pg_stat_xact_user_tables where relname = $1`,
      [table],
    );
    return rows[0]?.count ?? 0;
  };
  return database.transaction(async (tx) => {
    const before = await counted(tx);
    await work({ ...database, query: tx.query.bind(tx) });
    return (await counted(tx)) - before;
  });
}

forEachDatabase((_kind, open) => {
  it("finds by their age the few rows of a large table that are too old", async () => {
    const database = await open();
    await database.query(
      `insert into message_indexes (ghost, session_id, message_index, event_id, seen_at)
       select '@g' || (i % 20), 's' || (i / 50), i, '$e' || i, now() - i * interval '43.4 seconds'
       from generate_series(1, $1::integer) i`,
      [ROWS],
    );
    await database.execute("analyze message_indexes");
    const replays = await rowsRead(database, "message_indexes", (within) => pruneReplays(within, 10, undefined));
    assert.ok(replays < ROWS / 10, `${replays} rows of message_indexes were read`);
    const batch = { from: "message_indexes", where: "seen_at < now() - $1 * interval '1 day'", values: [10] };
    const batches = await rowsRead(database, "message_indexes", (within) => deleteInBatches(within, batch));
    assert.ok(batches < ROWS / 10, `${batches} rows were read`);
  });
});
