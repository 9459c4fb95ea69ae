import assert from "node:assert/strict";
import { access, glob, readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { CommandMenus } from "../../../src/commands/command-menus.ts";
import { Reminders } from "../../../src/reminders/reminders.ts";
import { makeToolSignIns } from "../../../src/bridge/tool-sign-ins.ts";
import { Background } from "../../../src/concurrency/background.ts";
import { Forgetting } from "../../../src/memory/forgetting.ts";
import { ReadFiles } from "../../../src/memory/read-files.ts";
import { Retention } from "../../../src/memory/retention.ts";
import { BATCH_ROWS, deleteInBatches } from "../../../src/database/batches.ts";
import type { ToolServerConfig } from "../../../src/config/config.ts";
import type { Database } from "../../../src/database/database.ts";
import { Outbox } from "../../../src/ghost/outbox.ts";
import { Mailbox } from "../../../src/mailbox/mailbox.ts";
import { pruneAll, takeTurn } from "../../../src/mailbox/pruning.ts";
import { silentLogger } from "../../../src/observability/log.ts";
import { InviteQuota } from "../../../src/permissions/invite-quota.ts";
import { ProviderRequests } from "../../../src/privacy/provider-requests.ts";
import { pruners } from "../../../src/bridge/pruners.ts";
import { Rooms } from "../../../src/rooms/rooms.ts";
import { Exchanges } from "../../../src/turns/exchanges.ts";
import { TurnStore } from "../../../src/turns/turn-store.ts";
import { forEachDatabase } from "../../support/databases.ts";
import { fillDatabase } from "../../support/full-database.ts";
import { inCheckout } from "../../support/paths.ts";
import { signInServer } from "../../support/signed-in-people.ts";
import { sealsOf } from "../../support/seals.ts";

const HOUR_MS = 3_600_000;

/** A row of "Tables and their retention" in docs/architecture.md. */
interface Kept {
  readonly table: string;
  readonly owner: string;
  readonly goes: string;
}

async function documented(): Promise<Kept[]> {
  const text = await readFile(inCheckout("docs/architecture.md"), "utf8");
  const section = text.split("## Tables and their retention")[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(/^\| `(\w+)` +\| `([^`]+)` +\| (.+?) +\|$/gm)].map(
    ([, table = "", owner = "", goes = ""]) => ({ table, owner, goes }),
  );
}

async function tablesOf(database: Database): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    `select table_name::text as name from information_schema.tables
     where table_schema = current_schema() and table_type = 'BASE TABLE' order by 1`,
  );
  return rows.map(({ name }) => name);
}

/** Moves all events so much further into the past. */
async function age(database: Database, interval: string): Promise<void> {
  const { rows } = await database.query<{ table: string; column: string }>(
    `select table_name::text as table, column_name::text as column from information_schema.columns
     where table_schema = current_schema() and data_type = 'timestamp with time zone' and table_name <> 'audit_log'`,
  );
  for (const { table, column } of rows)
    await database.query(`update ${table} set ${column} = ${column} - interval '${interval}'`);
}

function folderOf(path: string): string {
  return path.slice(0, path.indexOf("/"));
}

/** All deletions that the bridge makes over time. */
async function prune(database: Database, tools: ReadonlyMap<string, ToolServerConfig> = new Map()): Promise<number> {
  const seals = sealsOf(database);
  const log = silentLogger();
  const rooms = new Rooms(database, log);
  const mailbox = new Mailbox({ database, seals, noteState: () => Promise.resolve(), isGhost: () => true, log });
  const owners = {
    mailbox,
    outbox: new Outbox(database, seals),
    turns: new TurnStore(database, seals),
    exchanges: new Exchanges(database, seals),
    readFiles: new ReadFiles(database, seals),
    requests: new ProviderRequests(database),
    invites: new InviteQuota(database, () => ({ invitesPerDay: {} }) as never),
    menus: new CommandMenus(database),
    reminders: new Reminders(database, seals),
    toolSignIns: makeToolSignIns(
      { database, settings: () => ({ tools, web: undefined }), background: new Background(log), log },
      seals,
    ),
    seals,
    retention: new Retention({
      rooms,
      forgetting: new Forgetting(database, seals),
      mailbox,
      maxAgeMs: () => HOUR_MS,
      read: () => Promise.resolve(),
      log,
    }),
    forgetKeysAfterMs: undefined,
  };
  let failed: unknown;
  const all = pruners(database, owners).map(
    (one) => (signal: AbortSignal) =>
      one(signal).catch((error: unknown) => {
        failed ??= error;
        throw error;
      }),
  );
  const count = await pruneAll(all, new AbortController().signal, log);
  assert.equal(failed, undefined);
  return count;
}

forEachDatabase((_kind, open) => {
  describe("every table", () => {
    it("has an owner that names it, and an age, in the manual", async () => {
      const kept = await documented();
      assert.deepEqual(kept.map(({ table }) => table).toSorted(), await tablesOf(await open()));
      for (const { table, owner } of kept) {
        await access(inCheckout(`src/${owner}`));
        const text = await readFile(inCheckout(`src/${owner}`), "utf8");
        assert.ok(new RegExp(`\\b${table}\\b`).test(text), `${owner} does not name ${table}`);
      }
    });

    it("is written only by its owner's folder; each owner writes settings under names of its own", async () => {
      const owners = new Map((await documented()).map(({ table, owner }) => [table, owner]));
      for await (const file of glob("src/**/*.ts", { cwd: inCheckout(".") })) {
        const text = await readFile(inCheckout(file), "utf8");
        for (const [, table = ""] of text.matchAll(/\b(?:insert into|update|delete from|from: ")\s*(\w+)/g)) {
          const owner = owners.get(table);
          if (owner === undefined || table === "settings") continue;
          assert.equal(folderOf(file.slice("src/".length)), folderOf(owner), `${file} writes ${table}`);
        }
      }
    });

    it("loses rows that are old and finished, except those that stay according to the manual", async () => {
      const database = await open();
      await fillDatabase(database);
      await database.query(`update turns set state = 'answered', finished_at = now(), reply = null;`);
      await database.query("update memberships set membership = 'leave'");
      await age(database, "1 year");
      assert.ok((await prune(database)) > 20);
      const kept = await documented();
      for (const { table, goes } of kept) {
        const { count } = await database.query(`select from ${table} limit 1`);
        // The rooms of the example were encrypted.
        if (/\bstays\b/.test(goes) && table !== "messages") continue;
        // Living processes have their rows, and no others do.
        if (table === "processes") continue;
        assert.equal(count, 0, `${table}: ${goes}`);
      }
    });

    it("keeps rows that are young, that wait, or that belong to a room with the agent", async () => {
      const database = await open();
      await fillDatabase(database);
      const before = new Map<string, number>();
      for (const table of await tablesOf(database))
        before.set(table, (await database.query(`select from ${table}`)).count);
      await database.query("update messages set sent_at = extract(epoch from now()) * 1000");
      await database.query("update events set received_at = now()");
      await prune(database, new Map([["tickets", signInServer("https://hs/mcp", "https://hs")]]));
      for (const [table, count] of before) {
        // An unused key, a pruning's own mark, and a room that was left.
        if (["sealing_keys", "settings", "command_menus"].includes(table)) continue;
        assert.equal((await database.query(`select from ${table}`)).count, count, table);
      }
    });

    it("is pruned in batches, and no further when the bridge stops", async () => {
      const database = await open();
      const fill = (): Promise<unknown> =>
        database.query(
          `insert into accepted_invites (ghost, event_id, inviter, server, accepted_at)
           select '@agent_llama:hs', '$' || n, '@ann:hs', 'hs', now() - interval '1 year' from generate_series(1, $1) n`,
          [BATCH_ROWS * 2 + 1],
        );
      const doomed = { from: "accepted_invites", where: "accepted_at < now() - interval '1 day'" };
      await fill();
      assert.equal(await deleteInBatches(database, doomed), BATCH_ROWS * 2 + 1);
      await fill();
      const stop = new AbortController();
      const going = deleteInBatches(database, doomed, stop.signal);
      stop.abort();
      assert.equal(await going, BATCH_ROWS);
      assert.equal(await deleteInBatches(database, doomed, stop.signal), 0);
    });

    it("is pruned by one process of all, once an hour", async () => {
      const database = await open();
      const turns = await Promise.all([1, 2, 3].map(() => takeTurn(database)));
      assert.equal(turns.filter(Boolean).length, 1);
      assert.equal(await takeTurn(database), false);
      await database.query("update settings set value = (now() - interval '1 hour')::text where name = 'pruned_at'");
      assert.equal(await takeTurn(database), true);
    });
  });
});
