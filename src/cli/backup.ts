import { readFile } from "node:fs/promises";
import { AuditLog } from "../audit/audit-log.ts";
import { writeBackup } from "../backup/backup-file.ts";
import { dump } from "../backup/dump.ts";
import { ownTables } from "../backup/own-tables.ts";
import { loadConfig } from "../config/load.ts";
import { knownMigrations } from "../database/migrate.ts";
import { locationOf, openDatabase } from "../database/open.ts";
import { createLogger } from "../observability/log.ts";
import { MasterKey } from "../sealing/master-key.ts";
import { operator } from "./operator.ts";
import { explainStartFailure } from "./start-failure.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Writes all of the database to one file, sealed with a key that is derived from the master key, which is not in it. With
 * PostgreSQL it works beside running bridges; the embedded database is one process's, so the bridge has to be stopped
 * first. Returns the exit code. Throws UsageError, ConfigError, MasterKeyError, BackupError, and what keeps the database
 * from being opened.
 */
export async function backup(options: { readonly config: string; readonly args: readonly string[] }): Promise<number> {
  const [file, ...more] = options.args;
  if (file === undefined || more.length > 0) throw new UsageError("say where to: matrix-agents backup FILE");
  const config = await loadConfig(options.config);
  const database = await openDatabase(locationOf(config), createLogger("warn", "auto")).catch((error: unknown) => {
    throw explainStartFailure(error, config);
  });
  try {
    const masterKey = await MasterKey.open(config.encryption.masterKey, database);
    const own = ownTables(await knownMigrations());
    const version = await packageVersion();
    let rows = 0;
    await new AuditLog(database).record(database, { kind: "backup.made", by: operator() });
    await writeBackup(
      file,
      (salt) => masterKey.backupKey(salt),
      (take) =>
        dump(database, {
          own,
          version,
          confirm: (tx) => masterKey.confirm(tx),
          take: (item) => {
            if (item.kind === "end") ({ rows } = item);
            return take(item);
          },
        }),
    );
    process.stdout.write(
      `${rows} rows written to ${file}. It opens only with the master key, which is not in it: keep that too, and elsewhere.\n`,
    );
    return 0;
  } finally {
    await database.close();
  }
}

async function packageVersion(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
  return String((manifest as { version: unknown }).version);
}
