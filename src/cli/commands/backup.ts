import { AuditLog } from "../../audit/audit-log.ts";
import { writeBackup } from "../../backup/backup-file.ts";
import { dump } from "../../backup/dump.ts";
import { ownTables } from "../../backup/own-tables.ts";
import type { Database } from "../../database/database.ts";
import { readHeldCopy } from "../../database/embedded-copy.ts";
import { knownMigrations } from "../../database/migrate.ts";
import { ghostsInUse } from "../../leases/leases.ts";
import { packageVersion } from "../../observability/version.ts";
import { MasterKey } from "../../sealing/master-key.ts";
import { atDatabase, type AtDatabase } from "../at-database.ts";
import { defineCommand } from "../command.ts";
import { operator } from "../operator.ts";
import { UsageError } from "../usage-error.ts";
import { counted } from "../../language/counted.ts";

/**
 * Writes the whole database to one file, sealed with a key derived from the master key, which is not in the file.
 * Throws UsageError, ConfigError, MasterKeyError, BackupError, and the error of opening the database.
 */
export const command = defineCommand({
  summary: "write the whole database to one file, sealed with the master key",
  arguments: { FILE: "the file to write; it must not exist yet" },
  options: {},
  examples: ["matrix-agents backup /backups/agents-2026-05-31"],
  run({ config }, [file, ...more]) {
    if (file === undefined || more.length > 0) throw new UsageError("name the file: matrix-agents backup FILE");
    if (file === "-")
      throw new UsageError("backup writes no standard output: name a file, or ./- for one of that name");
    return atDatabase(config, (at) => backUp(file, at));
  },
});

async function backUp(file: string, { config, database }: AtDatabase): Promise<number> {
  const masterKey = await MasterKey.open(config.encryption.masterKey, database);
  const own = ownTables(await knownMigrations());
  const version = await packageVersion();
  let rows = 0;
  const keyOf = (salt: Uint8Array): Uint8Array => masterKey.backupKey(salt);
  await writeBackup(file, keyOf, async (take) => {
    await new AuditLog(database).record(database, { kind: "backup.made", by: operator() });
    const copy = (source: Database, inUse?: readonly string[]): Promise<void> =>
      dump(source, {
        own,
        version,
        confirm: (tx) => masterKey.confirm(tx),
        take: (item) => {
          if (item.kind === "end") ({ rows } = item);
          return take(item);
        },
        ...(inUse === undefined ? {} : { inUse }),
      });
    // The whole dump in one transaction would keep a running bridge waiting.
    if (database.kind === "served") await readHeldCopy(database, config.dataDir, ghostsInUse, copy);
    else await copy(database);
  });
  process.stdout.write(
    `${counted(rows, "row", "rows")} written to ${file}. The file opens only with the master key, which is not in it: keep the key too, in another place.\n`,
  );
  return 0;
}
