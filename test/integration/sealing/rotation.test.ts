import assert from "node:assert/strict";
import { copyFile, readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Database } from "../../../src/database/database.ts";
import { migrate } from "../../../src/database/migrate.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { MasterKey, MasterKeyError } from "../../../src/sealing/master-key.ts";
import { rotateMasterKey } from "../../../src/sealing/rotation.ts";
import { Seals } from "../../../src/sealing/seals.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

const GHOST = "@agent_llama:example.test";
const LATER = "@agent_later:example.test";
const ROOM = "!room:example.test";
const NOTHING = (): Promise<void> => Promise.resolve();

forEachDatabase((_kind, open) => {
  async function make(): Promise<{
    database: Database;
    path: string;
    source: { from: "file"; path: string };
    /** A bridge's own view of the key. */
    bridge: () => Promise<{ master: MasterKey; seals: Seals }>;
  }> {
    const database = await open({ migrated: false });
    await migrate(database, silentLogger());
    const path = join(await temporaryDirectory("rotation"), "master.key");
    const source = { from: "file", path } as const;
    await database.query("insert into ghosts (user_id, device_id) values ($1, 'DEVICE')", [GHOST]);
    const bridge = async (): Promise<{ master: MasterKey; seals: Seals }> => {
      const master = await MasterKey.open(source, database);
      return { master, seals: new Seals(database, master, silentLogger()) };
    };
    await bridge();
    return { database, path, source, bridge };
  }

  async function put(database: Database, seals: Seals, id: string, text: string): Promise<void> {
    await database.transaction(async (tx) => {
      const key = await seals.in(tx, { ghost: GHOST, roomId: `${ROOM}${id}` });
      await tx.query(
        `insert into room_settings (ghost, room_id, name, value, set_by, sealed_by) values ($1, $2, 'system', $3, 'x', $4)`,
        [GHOST, id, key.seal(text, "place", id), key.id],
      );
    });
  }

  async function get(database: Database, seals: Seals): Promise<string[]> {
    const found = await database.query<{ room_id: string; value: string; sealed_by: number }>(
      "select room_id, value, sealed_by from room_settings order by room_id",
    );
    const { rows, open: unseal } = await seals.open(found.rows);
    return rows.map((row) => unseal(row, row.value, "place", row.room_id));
  }

  async function writtenWith(text: string): Promise<string> {
    const path = join(await temporaryDirectory("key"), "key");
    await writeFile(path, text);
    return path;
  }

  describe("a new master key", () => {
    it("opens everything that the former one opened, in running bridges and in those that start", async () => {
      const { database, path, source, bridge } = await make();
      const running = await bridge();
      await put(database, running.seals, "1", "before");
      const storeKey = await running.master.storeKey(GHOST, "DEVICE");
      const recoveryKey = await running.master.recoveryKey(GHOST);
      const former = await readFile(path, "utf8");

      const { generation, keys, formerPath } = await rotateMasterKey(database, source, undefined, NOTHING);
      assert.deepEqual([generation, keys, formerPath], [2, 3, `${path}.1`]);
      assert.notEqual(await readFile(path, "utf8"), former);
      assert.equal(await readFile(`${path}.1`, "utf8"), former);
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      assert.deepEqual((await readdir(join(path, ".."))).sort(), ["master.key", "master.key.1"]);

      const started = await bridge();
      for (const { master, seals } of [running, started]) {
        assert.deepEqual(await get(database, seals), ["before"]);
        assert.deepEqual(await master.storeKey(GHOST, "DEVICE"), storeKey);
        assert.deepEqual(await master.recoveryKey(GHOST), recoveryKey);
      }
      await put(database, running.seals, "2", "after");
      assert.deepEqual(await get(database, started.seals), ["before", "after"]);
      assert.deepEqual(await running.master.storeKey(LATER, "D"), await started.master.storeKey(LATER, "D"));

      // Once more, with a bridge that has not looked since.
      const unawares = await bridge();
      await rotateMasterKey(database, source, undefined, NOTHING);
      await put(database, unawares.seals, "3", "later");
      assert.deepEqual(await get(database, (await bridge()).seals), ["before", "after", "later"]);
      assert.deepEqual(await unawares.master.storeKey(GHOST, "DEVICE"), storeKey);
    });

    it("makes the former one worthless", async () => {
      const { database, path, source, bridge } = await make();
      await put(database, (await bridge()).seals, "1", "words");
      await rotateMasterKey(database, source, undefined, NOTHING);
      await copyFile(`${path}.1`, path);
      await assert.rejects(bridge(), MasterKeyError);
      assert.equal(await readFile(path, "utf8"), await readFile(`${path}.1`, "utf8"), "and nothing was overwritten");
    });

    it("is found where the process that made it ended before the key was in its place", async () => {
      const { database, path, source, bridge } = await make();
      const running = await bridge();
      await put(database, running.seals, "1", "words");
      await rotateMasterKey(database, source, undefined, NOTHING);
      await copyFile(path, `${path}.next-2`);
      await copyFile(`${path}.1`, path);
      assert.deepEqual(await get(database, (await bridge()).seals), ["words"]);
      assert.deepEqual((await readdir(join(path, ".."))).sort(), ["master.key", "master.key.1"]);
      await put(database, running.seals, "2", "more");
    });

    it("does not count when it could not be stored", async () => {
      const { database, path, source, bridge } = await make();
      const { seals } = await bridge();
      await put(database, seals, "1", "words");
      const before = await readFile(path, "utf8");
      const fails = (): Promise<void> => Promise.reject(new Error("the disk is full"));
      await assert.rejects(rotateMasterKey(database, source, undefined, fails), /the disk is full/);
      assert.equal(await readFile(path, "utf8"), before);
      assert.ok(!(await readdir(join(path, ".."))).some((name) => name.includes("next")));
      assert.deepEqual(await get(database, (await bridge()).seals), ["words"]);
    });

    it("is set by one command after the other, whoever asks for it at the same time", async () => {
      const { database, path, source, bridge } = await make();
      await put(database, (await bridge()).seals, "1", "words");
      const rotated = await Promise.all([1, 2, 3].map(() => rotateMasterKey(database, source, undefined, NOTHING)));
      assert.deepEqual(rotated.map(({ generation }) => generation).sort(), [2, 3, 4]);
      assert.deepEqual(await get(database, (await bridge()).seals), ["words"]);
      const files = ["master.key", "master.key.1", "master.key.2", "master.key.3"];
      assert.deepEqual((await readdir(join(path, ".."))).sort(), files);
      const keys = await Promise.all(files.map((name) => readFile(join(path, "..", name), "utf8")));
      assert.equal(new Set(keys).size, 4, "and none is lost");
    });

    it("keeps the former one under another name where that name is taken", async () => {
      const { database, path, source } = await make();
      await writeFile(`${path}.1`, "ab".repeat(32));
      const former = await readFile(path, "utf8");
      const { formerPath } = await rotateMasterKey(database, source, undefined, NOTHING);
      assert.equal(formerPath, `${path}.1.1`);
      assert.equal(await readFile(formerPath, "utf8"), former);
      assert.equal(await readFile(`${path}.1`, "utf8"), "ab".repeat(32));
    });

    it("is not looked for in a file that has no end", async () => {
      const { database } = await make();
      for (const path of ["/dev/zero", await writtenWith("a".repeat(10_000))]) {
        await assert.rejects(MasterKey.open({ from: "file", path }, database), /64 hexadecimal digits/);
      }
    });

    it("is taken from the environment where the former one was there", async () => {
      const { database, path } = await make();
      const [former, next] = [(await readFile(path, "utf8")).trim(), "ab".repeat(32)];
      const source = { from: "env", name: "TEST_ROTATED_KEY" } as const;
      process.env["TEST_ROTATED_KEY"] = former;
      await put(database, new Seals(database, await MasterKey.open(source, database), silentLogger()), "1", "words");
      await assert.rejects(rotateMasterKey(database, source, "short", NOTHING), MasterKeyError);
      await assert.rejects(rotateMasterKey(database, source, former, NOTHING), /is the present one/);
      await rotateMasterKey(database, source, next, NOTHING);
      await assert.rejects(MasterKey.open(source, database), MasterKeyError);
      process.env["TEST_ROTATED_KEY"] = next;
      assert.deepEqual(
        await get(database, new Seals(database, await MasterKey.open(source, database), silentLogger())),
        ["words"],
      );
    });

    it("is not made where there is no master key yet, nor over one that is not the database's", async () => {
      const { database, path, source } = await make();
      await writeFile(path, "00".repeat(32));
      await assert.rejects(rotateMasterKey(database, source, undefined, NOTHING), MasterKeyError);
      await database.query("delete from settings");
      await assert.rejects(rotateMasterKey(database, source, undefined, NOTHING), /no master key yet/);
    });
  });
});
