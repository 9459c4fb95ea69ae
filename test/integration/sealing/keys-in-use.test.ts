import assert from "node:assert/strict";
import { beforeEach, describe, it, mock } from "node:test";
import type { Database, Queryable } from "../../../src/database/database.ts";
import type { Seals } from "../../../src/sealing/seals.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { othersSealsOf } from "../../support/seals.ts";

const GHOST = "@agent_llama:example.org";
const ROOM = "!room:example.org";
const SCOPE = { ghost: GHOST, roomId: ROOM };

forEachDatabase((_kind, open) => {
  describe("a key that has sealed something", () => {
    let database: Database;
    let seals: Seals;
    let others: Seals;

    /** Stores a word, sealed, as an agent's memory is. Returns the id of the key. */
    const write = (by: Seals, tx: Queryable = database): Promise<number> =>
      tx === database ? database.transaction((inner) => store(by, inner)) : store(by, tx);
    const store = async (by: Seals, tx: Queryable): Promise<number> => {
      const key = await by.in(tx, SCOPE);
      await tx.query(
        `insert into summaries (ghost, room_id, thread_root, up_to, body, sealed_by) values ($1, $2, '', 1, $3, $4)
         on conflict (ghost, room_id, thread_root) do update set body = excluded.body, sealed_by = excluded.sealed_by`,
        [GHOST, ROOM, key.seal("word", "here"), key.id],
      );
      return key.id;
    };
    const readable = async (): Promise<boolean> => {
      const stored = await database.query<{ body: string; sealed_by: number }>("select body, sealed_by from summaries");
      const { rows, open: opened } = await othersSealsOf(database).open(stored.rows);
      return rows.length === 1 && rows.every((row) => opened(row, row.body, "here") === "word");
    };

    beforeEach(async () => {
      database = await open();
      seals = othersSealsOf(database);
      others = othersSealsOf(database);
    });

    it("is used again", async () => {
      const first = await write(seals);
      assert.equal(await write(seals), first);
      assert.equal(await write(seals), first);
      assert.ok(await readable());
    });

    it("fails one write, which is tried again, when another process has destroyed it", async () => {
      await write(seals);
      const old = await write(seals);
      await others.destroy(database, SCOPE);
      assert.equal((await database.query("select from summaries")).count, 0, "a text goes with its key");
      await assert.rejects(write(seals), { code: "MA002", retryable: true });
      assert.equal(
        (await database.query("select from summaries")).count,
        0,
        "nothing is sealed with a key that is gone",
      );
      assert.notEqual(await write(seals), old);
      assert.ok(await readable());
    });

    it("is not used when this process has destroyed it", async () => {
      await write(seals);
      const old = await write(seals);
      await seals.destroy(database, SCOPE);
      assert.notEqual(await write(seals), old);
      assert.ok(await readable());
    });

    it("is not used after the end of its day, by the database's clock or by ours", async () => {
      await write(seals);
      const old = await write(seals);
      await database.query("update sealing_keys set period = '2001-01-01' where id = $1", [old]);
      await assert.rejects(write(seals), { code: "MA002", retryable: true });
      const next = await write(seals);
      assert.notEqual(next, old);

      // The embedded database uses our clock.
      if (database.kind === "embedded") return;
      mock.timers.enable({ apis: ["Date"], now: Date.now() + 86_400_000 });
      try {
        assert.equal(await write(seals), next, "the database decides, when our clock says that the day is over");
      } finally {
        mock.timers.reset();
      }
    });

    it("is not used when the transaction that made it was rolled back", async () => {
      const work = database.transaction(async (tx) => {
        await write(seals, tx);
        await write(seals, tx);
        throw new Error("changed my mind");
      });
      await assert.rejects(work, /changed my mind/);
      await write(seals);
      assert.ok(await readable());
    });

    it("can't be destroyed before the end of the transaction that seals with it", async () => {
      await write(seals);
      let destroyed = false;
      let destroying: Promise<void> | undefined;
      // The embedded database does one transaction after the other.
      if (database.kind === "embedded") return;
      await database.transaction(async (tx) => {
        await write(seals, tx);
        destroying = others.destroy(database, SCOPE).then(() => {
          destroyed = true;
        });
        await tx.query("select pg_sleep(0.2)");
        assert.equal(destroyed, false);
      });
      await destroying;
      assert.equal((await database.query("select from summaries")).count, 0);
    });
  });
});
