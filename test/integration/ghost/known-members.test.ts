import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Database, Queryable } from "../../../src/database/database.ts";
import { KnownMembers } from "../../../src/ghost/known-members.ts";
import { forEachDatabase } from "../../support/databases.ts";

const LLAMA = "@agent_llama:example.test";
const ROOM = "!room:example.test";
const MEMBERS = 1_000;

/** The rows of a table that statements of this transaction have read so far. */
async function rowsRead(tx: Queryable, table: string): Promise<number> {
  const { rows } = await tx.query<{ read: number }>(
    `select (coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::integer as read
     from pg_stat_xact_user_tables where relname = $1`,
    [table],
  );
  return rows[0]?.read ?? 0;
}

forEachDatabase((_, open) => {
  describe("the members of a room as a ghost knows them", () => {
    /** A large room whose rows are so new that nothing has analysed them. */
    async function largeRoom(): Promise<Database> {
      const database = await open();
      for (const table of ["room_members", "acquaintances"]) {
        await database.execute(`alter table ${table} set (autovacuum_enabled = false)`);
      }
      await database.query("insert into rooms (room_id) values ($1)", [ROOM]);
      await database.query(
        `insert into room_members (room_id, user_id, membership, event_id)
         select $1, '@m' || n || ':example.test', case when n % 10 = 0 then 'leave' else 'join' end, '$' || n
         from generate_series(1, $2::integer) n`,
        [ROOM, MEMBERS],
      );
      await database.query(
        `insert into acquaintances (ghost, room_id, user_id, event_id)
         select $1, room_id, user_id, case when user_id < '@m5' then event_id else '$before' end
         from room_members where room_id = $2 and user_id < '@m7'`,
        [LLAMA, ROOM],
      );
      return database;
    }

    it("are those who are there, and met by the membership that they have now", async () => {
      const members = await new KnownMembers(await largeRoom()).membersFor(LLAMA, ROOM);
      assert.equal(members.length, MEMBERS - MEMBERS / 10);
      for (const { userId, membership, isMet } of members) {
        assert.deepEqual([membership, isMet], ["join", userId < "@m5"], userId);
      }
      const ids = members.map(({ userId }) => userId);
      assert.deepEqual(ids, ids.toSorted());
    });

    it("are read once each, however large the room has just become", async () => {
      const database = await largeRoom();
      await database.transaction(async (tx) => {
        const read = (): Promise<number[]> =>
          Promise.all(["room_members", "acquaintances"].map((table) => rowsRead(tx, table)));
        const before = await read();
        await new KnownMembers(tx as Database).membersFor(LLAMA, ROOM);
        const rows = (await read()).map((after, index) => after - (before[index] ?? 0));
        assert.deepEqual(
          rows.map((count) => count <= MEMBERS),
          [true, true],
          rows.join(),
        );
      });
    });
  });
});
