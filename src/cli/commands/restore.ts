import { AuditLog } from "../../audit/audit-log.ts";
import { readBackup, refuseOtherFile } from "../../backup/backup-file.ts";
import { restore as bringBack } from "../../backup/restore.ts";
import { loadConfig } from "../../config/load.ts";
import { loadRegistration } from "../../config/registration.ts";
import { locationOf, openAsItIs } from "../../database/open.ts";
import { createHomeserverClient } from "../../homeserver/client.ts";
import { createLogger, silentLogger } from "../../observability/log.ts";
import { backupKeyOf, readMasterKey } from "../../sealing/master-key.ts";
import { defineCommand } from "../command.ts";
import { operator } from "../operator.ts";
import { explainStartFailure } from "../start-failure.ts";
import { UsageError } from "../usage-error.ts";
import { counted } from "../../language/counted.ts";

/**
 * Fills the database from a backup of either kind of database. No bridge may run on it. Returns the exit code. Throws
 * UsageError, ConfigError, MasterKeyError, BackupError, HomeserverError, and the error of opening the database.
 */
export const command = defineCommand({
  summary: "fill an empty database from a backup",
  arguments: { FILE: "a file written by backup" },
  options: {
    "new-devices": {
      type: "boolean",
      meaning:
        "give every agent a new device, signed by the same identity; needed when the old ones were used since the backup",
    },
    force: { type: "boolean", meaning: "restore even though the database is not empty; its contents are lost" },
  },
  run({ config, force, "new-devices": newDevices }, [file, ...more]) {
    if (file === undefined || more.length > 0) throw new UsageError("name the file: matrix-agents restore FILE");
    if (file === "-") throw new UsageError("restore reads its file twice, so no standard input: name a file");
    return bringBackFrom(file, config, { force, newDevices });
  },
});

async function bringBackFrom(
  file: string,
  configFile: string,
  { force, newDevices }: { readonly force: boolean; readonly newDevices: boolean },
): Promise<number> {
  const config = await loadConfig(configFile);
  const registration = await loadRegistration(config);
  const master = await readMasterKey(config.encryption.masterKey);
  const log = createLogger("warn", "auto");
  const client = createHomeserverClient({
    url: config.homeserver.url,
    ca: config.homeserver.ca,
    asToken: registration.asToken,
    log,
  });
  // Before a database is made for nothing.
  await refuseOtherFile(file);
  const making = (): void => {
    process.stderr.write("matrix-agents: making the embedded database, which takes a moment\n");
  };
  const database = await openAsItIs(locationOf(config), silentLogger(), making).catch((error: unknown) => {
    throw explainStartFailure(error, config);
  });
  try {
    const read = () => readBackup(file, (salt) => backupKeyOf(master, salt));
    const { beginning, rows, ghosts } = await bringBack(read, { database, client, force, newDevices, log });
    await new AuditLog(database).record(database, { kind: "backup.restored", by: operator(), newDevices });
    const devices = newDevices
      ? `; ${counted(ghosts.length, "agent gets a new device", "agents get new devices")} when the bridge is started`
      : "";
    process.stdout.write(`${counted(rows, "row", "rows")} of ${beginning.madeAt} restored${devices}\n`);
    return 0;
  } catch (error) {
    throw explainStartFailure(error, config);
  } finally {
    await client.close();
    await database.close();
  }
}
