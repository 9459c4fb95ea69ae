import type { Database, Queryable } from "../database/database.ts";
import { knownMigrations, migrateIn, tellOf, type Migration } from "../database/migrate.ts";
import { takeForRestore } from "../database/restore-lock.ts";
import { askForNewDevices, renameUnmadeDevices } from "../ghost/operator-requests.ts";
import type { HomeserverClient } from "../homeserver/client.ts";
import { isBridgeRunning } from "../leases/live-processes.ts";
import type { Logger } from "../observability/log.ts";
import { BackupError } from "./backup-file.ts";
import type { Beginning, Item } from "./contents.ts";
import { maybeUsedSince, type BackedUpGhost } from "./device-use.ts";
import { load } from "./load.ts";
import { dropOwn, ownTables } from "./own-tables.ts";
import { quoted } from "./tables.ts";

/** The facts about a backup that a restore needs first. */
export interface Inspection {
  readonly beginning: Beginning;
  readonly ghosts: readonly BackedUpGhost[];
  readonly rows: number;
}

/** Reads a backup to its end, which proves that it is whole. Throws {@link BackupError}. */
async function inspect(items: AsyncIterable<Item>): Promise<Inspection> {
  let beginning: Beginning | undefined;
  let rows = 0;
  let isWhole = false;
  let columns: readonly string[] | undefined;
  const ghosts: BackedUpGhost[] = [];
  for await (const item of items) {
    switch (item.kind) {
      case "beginning":
        beginning = item;
        break;
      case "table":
        columns = item.name === "ghosts" ? item.columns : undefined;
        break;
      case "rows":
        rows += item.rows.length;
        for (const row of columns === undefined ? [] : item.rows) ghosts.push(ghostOf(columns ?? [], row));
        break;
      case "counter":
        break;
      case "end":
        isWhole = item.rows === rows;
    }
  }
  if (beginning === undefined || !isWhole) throw new BackupError("the backup is not whole");
  return { beginning, ghosts, rows };
}

/** The options of `restore`. */
export interface RestoreOptions {
  /** The target, not migrated. */
  readonly database: Database;
  readonly client: HomeserverClient;
  /** Whether existing contents of the database may be replaced. */
  readonly force: boolean;
  /** Whether every ghost gets a new device. */
  readonly newDevices: boolean;
  readonly log: Logger;
}

/**
 * Restores a backup: its schema, its rows, then the later migrations. Nothing changes before three things are certain:
 * the backup is whole, the database may be filled, and no device goes back in time. All of it is one transaction, so a
 * process that ends halfway leaves the old contents. No bridge can start on the database meanwhile. Throws {@link
 * BackupError}, HomeserverError, DatabaseError.
 *
 * @param read reads the backup, from its beginning each time.
 */
export async function restore(read: () => AsyncIterable<Item>, options: RestoreOptions): Promise<Inspection> {
  const { database, log } = options;
  const inspection = await inspect(read());
  const migrations = await knownMigrations();
  const then = migrationsOf(inspection.beginning, migrations);
  await checkTarget(database, migrations, options);
  if (!options.newDevices) await checkDevices(inspection, options.client);

  const migrated = await database.transaction(async (tx) => {
    if (!(await takeForRestore(tx))) throw inUse();
    // The checks above were made outside this transaction.
    await checkTarget(tx, migrations, options);
    await dropOwn(tx, migrations);
    await migrateIn(tx, then);
    await load(tx, ownTables(migrations), read());
    await renameUnmadeDevices(tx);
    if (options.newDevices) await askForNewDevices(tx);
    return migrateIn(tx, migrations);
  });
  tellOf(migrated, log);
  return inspection;
}

/** The migrations that the backed-up database had. */
function migrationsOf({ migrations, version }: Beginning, known: readonly Migration[]): Migration[] {
  const unknown = migrations.filter((number) => !known.some((migration) => migration.number === number));
  if (unknown.length > 0) {
    throw new BackupError(
      `the backup was made by version ${version}, which is newer than this one (migrations ${unknown.join(", ")} are not known here); use that version or a later one`,
    );
  }
  return known.filter(({ number }) => migrations.includes(number));
}

async function checkTarget(
  database: Queryable,
  migrations: readonly Migration[],
  { force }: RestoreOptions,
): Promise<void> {
  if (await isBridgeRunning(database)) throw inUse();
  if (force) return;
  const full = await filledTable(database, migrations);
  if (full === undefined) return;
  throw new BackupError(
    `the database is not empty (there are rows in ${full}); restore into an empty one, or add --force: its contents are then lost`,
  );
}

function inUse(): BackupError {
  return new BackupError("a bridge is running on this database, or being started; stop it first");
}

/** Rows that migrations insert themselves do not count as contents. */
const LAID: ReadonlySet<string> = new Set(["migrations", "audit_head"]);

async function filledTable(database: Queryable, migrations: readonly Migration[]): Promise<string | undefined> {
  const { rows } = await database.query<{ name: string }>(
    "select tablename as name from pg_tables where schemaname = current_schema() order by tablename",
  );
  const own = ownTables(migrations);
  for (const { name } of rows) {
    if (!own.has(name) || LAID.has(name)) continue;
    if ((await database.query(`select from ${quoted(name)} limit 1`)).count > 0) return name;
  }
  return undefined;
}

async function checkDevices({ beginning, ghosts }: Inspection, client: HomeserverClient): Promise<void> {
  const used = await maybeUsedSince(client, ghosts, beginning.inUse);
  if (used.length === 0) return;
  const names = used.slice(0, 5).join(", ") + (used.length > 5 ? ` and ${used.length - 5} more` : "");
  throw new BackupError(
    `the devices of these agents have been used since the backup was made, or may have been: ${names}. In their old state they would use keys twice. Add --new-devices: each agent then gets a new device, signed by the same identity, and reads its keys from the homeserver's backup; nobody has to verify it again`,
  );
}

function ghostOf(columns: readonly string[], row: readonly (string | null)[]): BackedUpGhost {
  const value = (name: string): string => row[columns.indexOf(name)] ?? "";
  return {
    userId: value("user_id"),
    deviceId: value("device_id"),
    deviceMade: value("device_made") === "true",
    renew: value("renew") === "true",
    marker: Number(value("marker")),
  };
}
