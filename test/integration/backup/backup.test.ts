import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { pbkdf2 } from "node:crypto";
import { lstat, readdir, readFile, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { readBackup, writeBackup } from "../../../src/backup/backup-file.ts";
import { dump } from "../../../src/backup/dump.ts";
import { ownTables } from "../../../src/backup/own-tables.ts";
import { restore, type RestoreOptions } from "../../../src/backup/restore.ts";
import type { Database } from "../../../src/database/database.ts";
import { knownMigrations, migrate } from "../../../src/database/migrate.ts";
import { AuditLog } from "../../../src/audit/audit-log.ts";
import type { HomeserverClient } from "../../../src/homeserver/client.ts";
import { Processes } from "../../../src/leases/processes.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { fillDatabase } from "../../support/full-database.ts";
import { MasterKey } from "../../../src/sealing/master-key.ts";
import { rotateMasterKey } from "../../../src/sealing/rotation.ts";
import { temporaryDirectory } from "../../support/temporary.ts";

const keyOf = (salt: Uint8Array): Uint8Array => salt;
const log = silentLogger();
const migrations = await knownMigrations();
const own = ownTables(migrations);
const version = "1.2.3";
const LLAMA = "@agent_llama:hs";

/** A homeserver that knows one marker of every ghost's store. */
function homeserver(marker: object): HomeserverClient {
  return { request: () => Promise.resolve(marker) } as unknown as HomeserverClient;
}

/** The backed up ghost's marker at its last opening, and after one more opening. */
const AS_IT_WAS = homeserver({ device_id: "LLAMADEVICE", marker: 3 });
const USED_SINCE = homeserver({ device_id: "LLAMADEVICE", marker: 4 });

async function newFile(): Promise<string> {
  return join(await temporaryDirectory("backup"), "backup");
}

async function backUp(database: Database): Promise<string> {
  const file = await newFile();
  await writeBackup(file, keyOf, (take) => dump(database, { own, version, take }));
  return file;
}

async function bringBack(file: string, options: Partial<RestoreOptions> & Pick<RestoreOptions, "database">) {
  return restore(() => readBackup(file, keyOf), {
    client: AS_IT_WAS,
    force: false,
    newDevices: false,
    log,
    ...options,
  });
}

/** The contents of all tables. */
async function everything(database: Database): Promise<Record<string, unknown[]>> {
  const tables: Record<string, unknown[]> = {};
  for (const name of [...own].sort()) {
    if (["migrations", "processes", "crypto_leases"].includes(name)) continue;
    const { rows } = await database.query<{ row: string }>(`select t::text as row from ${name} t order by 1`);
    tables[name] = rows.map(({ row }) => row);
  }
  return tables;
}

/** The ghost whose device was not made yet is restored with another one. */
async function forgetUnmade(database: Database): Promise<void> {
  await database.execute(
    "delete from ghosts where not device_made; delete from crypto_databases where name like '%/UNMADE::%'",
  );
}

forEachDatabase((kind, open) => {
  describe("a backup", () => {
    it("has all of our tables, and no others", async () => {
      const database = await open();
      await database.execute("create table somebody_elses (secret text)");
      const { rows } = await database.query<{ name: string }>(
        "select tablename as name from pg_tables where schemaname = 'public' and tablename <> 'somebody_elses'",
      );
      assert.deepEqual(
        new Set(rows.map(({ name }) => name)),
        new Set([...own].filter((name) => name !== "crypto_leases")),
      );
      const tables: string[] = [];
      await dump(database, {
        own,
        version,
        take: (item) => {
          if (item.kind === "table") tables.push(item.name);
          return Promise.resolve();
        },
      });
      assert.equal(tables.length, rows.length - 2, "without migrations and processes");
      assert.ok(!tables.includes("somebody_elses"));
    });

    it("is restored as it was, and counters go on from there", async () => {
      const source = await open();
      await fillDatabase(source);
      await forgetUnmade(source);
      await new AuditLog(source).record(source, { kind: "backup.made", by: "local:root" });
      const before = await everything(source);
      const file = await backUp(source);
      assert.equal((await stat(file)).mode & 0o777, 0o600);
      assert.doesNotMatch(await readFile(file, "latin1"), /agent_llama/);

      const target = await open({ migrated: false });
      const { rows } = await bringBack(file, { database: target });
      assert.equal(rows, Object.values(before).flat().length);
      assert.deepEqual(await everything(target), before);
      assert.equal((await new AuditLog(target).verify()).broken, undefined);
      await new AuditLog(target).record(target, { kind: "backup.restored", by: "local:root" });
      assert.equal((await new AuditLog(target).verify()).broken, undefined);
      await assert.rejects(target.query("delete from audit_log"), /only appended to/);
      const { rows: next } = await target.query<{ id: number }>(
        "insert into mailbox (ghost, event_id) values ('@other:hs', '$event') returning id",
      );
      assert.equal(next[0]?.id, 8, "the row with id 7 is gone, its number is not given again");
    });

    it("from before a migration is restored to the newest schema", async () => {
      const source = await open();
      await fillDatabase(source);
      const file = await newFile();
      await writeBackup(file, keyOf, (take) =>
        dump(source, {
          own: new Set([...own].filter((name) => !name.startsWith("audit_"))),
          version,
          take: (item) =>
            take(
              item.kind === "beginning"
                ? { ...item, migrations: item.migrations.filter((number) => number !== 19 && number !== 30) }
                : item,
            ),
        }),
      );
      const target = await open({ migrated: false });
      await bringBack(file, { database: target });
      assert.equal((await new AuditLog(target).verify()).rows, 0);
      await new AuditLog(target).record(target, { kind: "backup.restored", by: "local:root" });
    });

    it("of a newer version is refused", async () => {
      const source = await open();
      const file = await newFile();
      await writeBackup(file, keyOf, (take) =>
        dump(source, {
          own,
          version,
          take: (item) => take(item.kind === "beginning" ? { ...item, migrations: [1, 9999] } : item),
        }),
      );
      await assert.rejects(bringBack(file, { database: source }), /made by version 1\.2\.3, which is newer.*9999/);
    });

    it("that is incomplete, was changed, has another key, or is no backup, is refused before anything changes", async () => {
      const source = await open();
      await fillDatabase(source);
      const target = await open();
      await fillDatabase(target);
      const before = await everything(target);
      const options = { database: target, force: true };
      const short = await backUp(source);
      await truncate(short, (await stat(short)).size - 1);
      await assert.rejects(bringBack(short, options), /is incomplete/);
      const changed = await backUp(source);
      const bytes = await readFile(changed);
      bytes[200] = (bytes[200] ?? 0) ^ 1;
      await writeFile(changed, bytes);
      await assert.rejects(bringBack(changed, options), /was changed/);
      const file = await backUp(source);
      const read = () => readBackup(file, () => new Uint8Array(32));
      await assert.rejects(
        restore(read, { ...options, client: AS_IT_WAS, newDevices: false, log }),
        /another master key/,
      );
      await writeFile(file, "dear diary");
      await assert.rejects(bringBack(file, options), /no backup of matrix-agents/);
      await writeFile(file, "matrix-agents backup 2\nand so on");
      await assert.rejects(bringBack(file, options), /format 2.*newer/);
      await assert.rejects(bringBack(`${file}.away`, options), /can.t be read: there is no /);
      await assert.rejects(bringBack(dirname(file), options), /can.t be read: it is a folder/);
      const pipe = `${file}.pipe`;
      execFileSync("mkfifo", [pipe]);
      for (const device of [pipe, "/dev/zero"]) {
        await assert.rejects(bringBack(device, options), /can.t be read: it is a pipe or a device/);
      }
      assert.deepEqual(await everything(target), before);
    });

    it("replaces no file, and leaves none when it fails", async () => {
      const database = await open();
      const file = await backUp(database);
      await assert.rejects(
        writeBackup(file, keyOf, () => Promise.resolve()),
        /exists already/,
      );
      const other = await newFile();
      const failing = (): Promise<void> => Promise.reject(new Error("the database went away"));
      // The pool that opens files is busy: whether a draft stays must not depend on the moment at which it is opened.
      for (let attempt = 0; attempt < 20; attempt++) {
        const busy = Array.from({ length: 16 }, () => promisify(pbkdf2)("", "", 1_000 * attempt + 1, 64, "sha256"));
        await assert.rejects(writeBackup(other, keyOf, failing), /went away/);
        await Promise.all(busy);
      }
      await assert.rejects(stat(other), /ENOENT/);
      assert.deepEqual(await readdir(dirname(other)), []);
      await assert.rejects(
        writeBackup(join(other, "nowhere"), keyOf, (take) => take({ kind: "end", rows: 0 })),
        /can.t be written: there is no folder /,
      );
    });

    it("replaces no file that was made while it was written, nor follows a link", async () => {
      const file = await newFile();
      const letters = join(dirname(file), "letters");
      await writeFile(letters, "dear diary");
      for (const [make, what] of [
        [() => writeFile(file, "dear diary"), "a file"],
        [() => symlink("letters", file), "a link"],
        [() => symlink("nowhere", file), "a link to nothing"],
      ] as const) {
        await rm(file, { force: true });
        await assert.rejects(writeBackup(file, keyOf, make), /exists already/, what);
        await assert.rejects(
          writeBackup(file, keyOf, () => Promise.resolve()),
          /exists already/,
          what,
        );
      }
      assert.ok((await lstat(file)).isSymbolicLink());
      await symlink("letters", `${file}2.part`);
      await writeBackup(`${file}2`, keyOf, (take) => take({ kind: "end", rows: 0 }));
      assert.equal(await readFile(letters, "utf8"), "dear diary");
      assert.deepEqual((await readdir(dirname(file))).sort(), ["backup", "backup2", "backup2.part", "letters"]);
    });

    it("is not made when the master key has changed since it was read", async () => {
      const database = await open({ sealed: false });
      const source = { from: "file", path: join(await temporaryDirectory("key"), "master.key") } as const;
      const master = await MasterKey.open(source, database);
      const file = await newFile();
      const write = (key: MasterKey): Promise<void> =>
        writeBackup(
          file,
          (salt) => key.backupKey(salt),
          (take) => dump(database, { own, version, take, confirm: (tx) => key.confirm(tx) }),
        );
      await rotateMasterKey(database, source, undefined, () => Promise.resolve());
      await assert.rejects(write(master), /master key was changed/);
      assert.deepEqual(await readdir(dirname(file)), []);
      await write(await MasterKey.open(source, database));
    });

    it("whose restoring fails in the middle leaves the former contents", async () => {
      const source = await open();
      await fillDatabase(source);
      const file = await backUp(source);
      const target = await open();
      await target.query("insert into settings (name, value) values ('a', 'b')");
      const before = await everything(target);
      let reads = 0;
      const read = async function* () {
        const isCut = ++reads > 1;
        for await (const item of readBackup(file, keyOf)) {
          if (isCut && item.kind === "end") throw new Error("the disk went away");
          yield item;
        }
      };
      const options = { database: target, client: AS_IT_WAS, force: true, newDevices: false, log };
      await assert.rejects(restore(read, options), /the disk went away/);
      assert.deepEqual(await everything(target), before);
      await migrate(target, log);
    });

    it("fills no database that is not empty, unless it is told to, nor one that a bridge uses", async () => {
      const source = await open();
      await fillDatabase(source);
      await forgetUnmade(source);
      const file = await backUp(source);
      const target = await open();
      await target.query("insert into settings (name, value) values ('a', 'b')");
      await target.execute("create table somebody_elses as select 1 as one");
      await assert.rejects(bringBack(file, { database: target }), /not empty \(there are rows in settings\).*--force/);
      const running = await Processes.join(target, { expireAfterMs: 60_000, log });
      await assert.rejects(bringBack(file, { database: target, force: true }), /a bridge is running/);
      await running.leave();
      await bringBack(file, { database: target, force: true });
      assert.deepEqual(await everything(target), await everything(source));
      assert.equal((await target.query("select from somebody_elses")).count, 1);
    });

    it("takes no device back in time, unless each device is replaced", async () => {
      const source = await open();
      await fillDatabase(source);
      const target = await open({ migrated: false });
      const file = await backUp(source);
      for (const client of [USED_SINCE, homeserver({ device_id: "OTHER", marker: 3 }), homeserver({})]) {
        await assert.rejects(bringBack(file, { database: target, client }), /@agent_llama:hs\. .*twice.*--new-devices/);
      }
      await bringBack(file, { database: target, client: USED_SINCE, newDevices: true });
      const { rows } = await target.query("select user_id, device_id, renew from ghosts order by user_id");
      assert.deepEqual(rows[0], { user_id: LLAMA, device_id: "LLAMADEVICE", renew: true });
      // A device that was about to be made may be on the server by now.
      assert.deepEqual([rows.length, rows[1]?.["renew"]], [2, false]);
      assert.notEqual(rows[1]?.["device_id"], "UNMADE");
      const { rows: stores } = await target.query<{ name: string }>("select name from crypto_databases");
      assert.deepEqual(stores, [{ name: `${LLAMA}/LLAMADEVICE::matrix-sdk-crypto` }]);
    });

    it("that was made while a ghost was in use proves nothing of its device", async () => {
      const source = await open();
      await fillDatabase(source);
      const running = await Processes.join(source, { expireAfterMs: 60_000, log });
      await source.query("update leases set owner = $1", [running.self]);
      const file = await backUp(source);
      await running.leave();
      const target = await open({ migrated: false });
      await assert.rejects(bringBack(file, { database: target }), /--new-devices/);
    });

    if (kind === "postgres") {
      it("lets no bridge begin to use the database during the restore, nor overwrites one in use", async () => {
        const source = await open();
        await fillDatabase(source);
        const file = await backUp(source);
        const target = await open({ migrated: false });
        let reads = 0;
        const read = async function* () {
          const isFilling = ++reads > 1;
          for await (const item of readBackup(file, keyOf)) {
            if (isFilling && item.kind === "end") {
              await assert.rejects(migrate(target, log), /backup is being restored.*try again/);
              await assert.rejects(Processes.join(target, { expireAfterMs: 60_000, log }), /backup is being restored/);
            }
            yield item;
          }
        };
        const options = { database: target, client: AS_IT_WAS, force: false, newDevices: false, log };
        await restore(read, options);
        const running = await Processes.join(target, { expireAfterMs: 60_000, log });
        // A process that was frozen for so long that it counts as dead may wake up.
        await target.query("update processes set expires_at = clock_timestamp() - interval '1 second'");
        await assert.rejects(bringBack(file, { database: target, force: true }), /a bridge is running/);
        await running.leave();
        await bringBack(file, { database: target, force: true });
      });

      it("shows one moment, while others go on writing", async () => {
        const source = await open();
        await fillDatabase(source);
        const before = await everything(source);
        const file = await newFile();
        await writeBackup(file, keyOf, (take) =>
          dump(source, {
            own,
            version,
            take: async (item) => {
              if (item.kind === "beginning") await source.query("delete from mailbox");
              await take(item);
            },
          }),
        );
        const target = await open({ migrated: false });
        await bringBack(file, { database: target });
        assert.deepEqual((await everything(target))["mailbox"], before["mailbox"]);
      });
    }
  });
});
