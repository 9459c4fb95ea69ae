import { AuditLog } from "../../../audit/audit-log.ts";
import type { MasterKeySource } from "../../../config/config.ts";
import type { Database } from "../../../database/database.ts";
import { countLiveProcesses } from "../../../leases/live-processes.ts";
import { rotateMasterKey } from "../../../sealing/rotation.ts";
import { atHomeserver } from "../../at-database.ts";
import { defineCommand } from "../../command.ts";
import { operator } from "../../operator.ts";
import { UsageError } from "../../usage-error.ts";
import { counted } from "../../../language/counted.ts";

/**
 * Running bridges read the new key themselves where it is in a file of theirs, and the database is PostgreSQL; else no bridge may
 * run.
 * Throws UsageError, ConfigError, MasterKeyError, and the error of opening the database.
 */
export const command = defineCommand({
  summary: "replace the master key; with PostgreSQL, while the bridge runs",
  options: {
    "new-key-env": {
      type: "string",
      value: "NAME",
      meaning: "the environment variable with the new key, where the present one is in the environment too",
    },
  },
  run: ({ config: file, "new-key-env": newKeyEnv }) =>
    atHomeserver(file, ({ config, database }) => rotate(database, config.encryption.masterKey, newKeyEnv), {
      alone: true,
    }),
});

async function rotate(database: Database, source: MasterKeySource, newKeyEnv: string | undefined): Promise<number> {
  const next = await nextKey(database, source, newKeyEnv);
  const audit = new AuditLog(database);
  const { keys, formerPath } = await rotateMasterKey(database, source, next, (tx) =>
    audit.record(tx, { kind: "master_key.rotated", by: operator() }),
  );
  const where = source.from === "file" ? `in ${source.path}` : "the one that you gave: start the bridge with it";
  process.stdout.write(`the new master key is ${where}; ${counted(keys, "key is", "keys are")} now wrapped by it\n`);
  if (formerPath !== undefined) {
    process.stdout.write(
      `The former key is in ${formerPath}: move it to another place, and keep it as long as you keep backups made with it.\n`,
    );
  }
  process.stdout.write(
    "Devices and recovery keys stay as they are. If somebody may know the former key, give each agent a new device too: matrix-agents keys new-device AGENT\n",
  );
  return 0;
}

async function nextKey(
  database: Database,
  source: MasterKeySource,
  newKeyEnv: string | undefined,
): Promise<string | undefined> {
  if (source.from === "file") {
    if (newKeyEnv !== undefined) throw new UsageError("--new-key-env is for a master key in the environment");
    return undefined;
  }
  if (newKeyEnv === undefined) {
    throw new UsageError(
      `the master key is in the environment variable ${source.name}: put the new key into another variable, and name that with --new-key-env`,
    );
  }
  if ((await countLiveProcesses(database)) > 0) {
    throw new UsageError(
      "a bridge is running, and its environment can't be changed: stop it first, or keep the master key in a file",
    );
  }
  const key = process.env[newKeyEnv];
  if (key === undefined) throw new UsageError(`the environment variable ${newKeyEnv} is not set`);
  return key;
}
