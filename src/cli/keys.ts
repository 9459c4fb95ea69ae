import { AuditLog } from "../audit/audit-log.ts";
import { readFile, writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { loadRegistration } from "../config/registration.ts";
import { decodeRecoveryKey, encodeRecoveryKey } from "../crypto/recovery-key.ts";
import { MasterKey } from "../sealing/master-key.ts";
import { describeUnsealed, isRecordedAsSealed, sealExisting, unsealedRows } from "../sealing/seal-existing.ts";
import { Seals } from "../sealing/seals.ts";
import type { Database } from "../database/database.ts";
import { locationOf, openDatabase } from "../database/open.ts";
import { AgentKeys, type ExportedKey } from "../ghost/device/agent-keys.ts";
import { createHomeserverClient, type HomeserverClient } from "../homeserver/client.ts";
import { createLogger } from "../observability/log.ts";
import { agentArgument, knownAgents } from "./agent-argument.ts";
import { noteCommand, operator } from "./operator.ts";
import { rotateMaster } from "./rotate-master.ts";
import { readSecret } from "./secret-input.ts";
import { explainStartFailure } from "./start-failure.ts";
import { UsageError } from "./usage-error.ts";

/** What is to be done with the agents' keys. */
type Action =
  | { readonly kind: "rotate-master" }
  | { readonly kind: "seal-existing" }
  | { readonly kind: "backup"; readonly agent: string | undefined }
  | { readonly kind: "recovery-key" | "restore" | "new-device" | "reset-identity"; readonly agent: string }
  | { readonly kind: "export" | "import"; readonly agent: string; readonly file: string };

/** What the actions work with. */
interface Workplace {
  readonly config: Config;
  readonly database: Database;
  readonly client: HomeserverClient;
  readonly masterKey: MasterKey;
}

/** How hard a passphrase is to try out: rounds of PBKDF2 (spec "Key export format" asks for 100,000 at least). */
const EXPORT_ROUNDS = 500_000;

/** How long a running bridge is waited for, in ms. */
const NEW_DEVICE_TIMEOUT_MS = 60_000;

/**
 * Keeps, restores and moves the agents' keys. Returns the exit code. With PostgreSQL it works beside a running bridge; the
 * embedded database is one process's, so the bridge has to be stopped first. Throws UsageError, ConfigError,
 * MasterKeyError, RecoveryKeyError, NotInCustody, HomeserverError, and what keeps the database from being opened.
 */
export async function keys(options: {
  readonly config: string;
  readonly args: readonly string[];
  readonly secretFile?: string | undefined;
  readonly isSure?: boolean;
  readonly newKeyEnv?: string | undefined;
}): Promise<number> {
  const action = parseAction(options.args);
  const config = await loadConfig(options.config);
  const registration = await loadRegistration(config);
  const log = createLogger("warn", "auto");
  const database = await openDatabase(locationOf(config), log).catch((error: unknown) => {
    throw explainStartFailure(error, config);
  });
  const client = createHomeserverClient({ url: config.homeserver.url, asToken: registration.asToken, log });
  try {
    if (action.kind === "rotate-master") {
      return await rotateMaster(database, config.encryption.masterKey, options.newKeyEnv);
    }
    const masterKey = await MasterKey.open(config.encryption.masterKey, database);
    if (action.kind === "seal-existing") {
      return await sealByHand(database, new Seals(database, masterKey, log), options.isSure === true);
    }
    return await act(action, { config, database, client, masterKey }, options);
  } finally {
    await client.close();
    await database.close();
  }
}

async function act(
  action: Exclude<Action, { kind: "rotate-master" | "seal-existing" }>,
  workplace: Workplace,
  { secretFile, isSure = false }: { readonly secretFile?: string | undefined; readonly isSure?: boolean },
): Promise<number> {
  const { config, database, client, masterKey } = workplace;
  const keysOf = async (userId: string): Promise<AgentKeys> =>
    new AgentKeys(client, userId, await masterKey.recoveryKey(userId));
  if (action.kind === "backup") {
    const agents =
      action.agent === undefined ? await knownAgents(database) : [await agentArgument(action.agent, config, database)];
    return showBackups(agents, keysOf);
  }
  const userId = await agentArgument(action.agent, config, database);
  switch (action.kind) {
    case "recovery-key":
      await noteExport(database, userId, "recovery_key");
      process.stdout.write(`${encodeRecoveryKey(await masterKey.recoveryKey(userId))}\n`);
      return 0;
    case "restore":
      await noteCommand(database, "keys restore", userId);
      await (await keysOf(userId)).takeOver(decodeRecoveryKey(await readSecret("recovery key", secretFile)));
      return renewDevice(database, userId);
    case "new-device":
      await noteCommand(database, "keys new-device", userId);
      return renewDevice(database, userId);
    case "reset-identity":
      return resetIdentity(database, userId, isSure);
    case "export":
      return exportTo(action.file, userId, await keysOf(userId), database, secretFile);
    case "import":
      return importFrom(action.file, userId, await keysOf(userId), database, secretFile);
  }
}

function parseAction([verb, ...rest]: readonly string[]): Action {
  const [agent, file, ...more] = rest;
  const wants = (what: string): UsageError => new UsageError(`keys ${verb ?? ""} wants ${what}`);
  switch (verb) {
    case "backup":
      if (file !== undefined) throw wants("one agent, or none for all");
      return { kind: verb, agent };
    case "recovery-key":
    case "restore":
    case "new-device":
    case "reset-identity":
      if (agent === undefined || file !== undefined) throw wants("an agent");
      return { kind: verb, agent };
    case "export":
    case "import":
      if (agent === undefined || file === undefined || more.length > 0) throw wants("an agent and a file");
      return { kind: verb, agent, file };
    case "rotate-master":
    case "seal-existing":
      if (agent !== undefined) throw wants("nothing more");
      return verb === "rotate-master" ? { kind: verb } : { kind: verb };
    case undefined:
    default:
      throw new UsageError(
        `keys can backup, recovery-key, restore, new-device, reset-identity, export, import, rotate-master and seal-existing${verb === undefined ? "" : `, not "${verb}"`}`,
      );
  }
}

async function showBackups(agents: readonly string[], keysOf: (userId: string) => Promise<AgentKeys>): Promise<number> {
  let complete = true;
  for (const userId of agents) {
    const { identity, backup } = await (await keysOf(userId)).status();
    complete &&= identity && backup !== undefined;
    const kept = identity ? "identity in secret storage" : "no identity in secret storage";
    const room =
      backup === undefined ? "no backup of room keys" : `${backup.keys} room keys in backup ${backup.version}`;
    process.stdout.write(`${userId}: ${kept}, ${room}\n`);
  }
  return complete ? 0 : 1;
}

/** A running bridge does it at its next heartbeat, a stopped one at its next start. */
async function renewDevice(database: Database, userId: string): Promise<number> {
  await database.query("update ghosts set renew = true where user_id = $1", [userId]);
  const isRunning = database.kind === "postgres" && (await hasProcesses(database));
  if (!isRunning) {
    process.stdout.write(`${userId} gets a new device, signed by the same identity, when the bridge is started\n`);
    return 0;
  }
  const deadline = performance.now() + NEW_DEVICE_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const { rows } = await database.query<{ device_id: string; fingerprint: string }>(
      `select device_id, fingerprint from ghosts
       where user_id = $1 and not renew and replaces is null and cross_signed and not restore`,
      [userId],
    );
    if (rows[0] !== undefined) {
      process.stdout.write(`${userId} has the new device ${rows[0].device_id}, fingerprint ${rows[0].fingerprint}\n`);
      return 0;
    }
    await pause(500);
  }
  process.stderr.write(`matrix-agents: the bridge has not made the new device of ${userId} yet; its log says why\n`);
  return 1;
}

/** Says what it means, and does it only when that was said before. */
async function sealByHand(database: Database, seals: Seals, isSure: boolean): Promise<number> {
  const unsealed = await unsealedRows(database);
  if (unsealed.length === 0) {
    process.stdout.write("all words in the database are sealed\n");
    return 0;
  }
  const wasSealed = await isRecordedAsSealed(database, seals);
  process.stdout.write(
    `Not sealed: ${describeUnsealed(unsealed)}.\n` +
      (wasSealed
        ? "All was sealed before: somebody has written these rows into the database since. Delete them.\n"
        : "A version from before words were sealed has left them, or somebody has written them into the database. Once sealed\n" +
          "they count as what was really said. Do it only if you have just upgraded from such a version.\n"),
  );
  if (wasSealed) return 1;
  if (!isSure) {
    process.stderr.write("matrix-agents: nothing was done; if you are sure, add --yes\n");
    return 1;
  }
  await noteCommand(database, "keys seal-existing");
  process.stdout.write(`${await sealExisting(database, seals)} rows sealed\n`);
  return 0;
}

/** Says whom it hurts, and does it only when that was said before. */
async function resetIdentity(database: Database, userId: string, isSure: boolean): Promise<number> {
  const { rows } = await database.query<{ user_id: string; verified: boolean }>(
    `select user_id, bool_or(verified) as verified from (
       select room_members.user_id, false as verified from room_members join memberships using (room_id)
       where ghost = $1 and memberships.membership = 'join' and room_members.membership = 'join'
       union all
       select user_id, true from verifications where ghost = $1 and state = 'done'
     ) as people
     where user_id <> $1 and not exists (select from ghosts where ghosts.user_id = people.user_id)
     group by user_id order by user_id`,
    [userId],
  );
  const names = rows.map((row) => `  ${printable(row.user_id)}${row.verified ? " (has verified it)" : ""}`);
  process.stdout.write(
    `Another identity for ${userId} can't be taken back. Whoever has verified it sees a warning, and may not be able to\nsend to it until it is verified anew. Its people:\n${names.join("\n") || "  nobody"}\n`,
  );
  if (!isSure) {
    process.stderr.write("matrix-agents: nothing was done; if you are sure, add --yes\n");
    return 1;
  }
  await noteCommand(database, "keys reset-identity", userId);
  await database.query("update ghosts set reset_identity = true where user_id = $1", [userId]);
  return renewDevice(database, userId);
}

/** User ids come from other servers; a terminal must not be told what to do by them. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, "\ufffd");
}

async function hasProcesses(database: Database): Promise<boolean> {
  const { count } = await database.query("select from processes where process_lives(number)");
  return count > 0;
}

function noteExport(database: Database, ghost: string, what: "room_keys" | "recovery_key"): Promise<void> {
  return new AuditLog(database).record(database, { kind: "keys.exported", by: operator(), ghost, what });
}

async function exportTo(
  file: string,
  userId: string,
  own: AgentKeys,
  database: Database,
  secretFile: string | undefined,
): Promise<number> {
  const passphrase = await readSecret("passphrase", secretFile);
  const exported = await own.exportKeys();
  const text = engine.OlmMachine.encryptExportedRoomKeys(JSON.stringify(exported), passphrase, EXPORT_ROUNDS);
  await noteExport(database, userId, "room_keys");
  await writeFile(file, text, { mode: 0o600, flag: "wx" }).catch((error: unknown) => {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    throw new UsageError(code === "EEXIST" ? `${file} exists already` : `${file} can't be written (${code})`);
  });
  process.stdout.write(`${exported.length} room keys of ${userId} written to ${file}\n`);
  return 0;
}

async function importFrom(
  file: string,
  userId: string,
  own: AgentKeys,
  database: Database,
  secretFile: string | undefined,
): Promise<number> {
  await engine.initAsync();
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new UsageError(`${file} can't be read`, { cause: error });
  });
  const imported = decryptExport(text, await readSecret("passphrase", secretFile), file);
  await noteCommand(database, "keys import", userId);
  await own.importKeys(imported);
  await database.query("update ghosts set restore = true where user_id = $1", [userId]);
  process.stdout.write(`${imported.length} room keys added to the backup of ${userId}, which reads them in\n`);
  return 0;
}

function decryptExport(text: string, passphrase: string, file: string): ExportedKey[] {
  let json: string;
  try {
    json = engine.OlmMachine.decryptExportedRoomKeys(text, passphrase);
  } catch {
    throw new UsageError(`${file} is no export of room keys, or the passphrase is another one`);
  }
  return (JSON.parse(json) as ExportedKey[]).filter(
    (key) => typeof key.room_id === "string" && typeof key.session_id === "string",
  );
}
