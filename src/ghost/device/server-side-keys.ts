import type { BackupServer } from "../../crypto/key-backup.ts";
import type { AccountData } from "../../crypto/secret-storage.ts";
import { getAccountData, putAccountData } from "../../homeserver/calls.ts";
import type { HomeserverClient } from "../../homeserver/client.ts";
import { backupKeys, backupVersion, createBackupVersion, putBackupKeys } from "../../homeserver/key-backup-calls.ts";

/** A large backup takes its time. */
const TIMEOUT_MS = 60_000;

/** A ghost's account data, which holds its secret storage. */
export function accountDataOf(client: HomeserverClient, userId: string): AccountData {
  const actor = { userId };
  return {
    get: (type) => getAccountData(client, actor, type),
    put: (type, content) => putAccountData(client, actor, type, content),
  };
}

/** A ghost's backup of room keys. */
export function backupServerOf(client: HomeserverClient, userId: string): BackupServer {
  const actor = { userId };
  const options = { timeoutMs: TIMEOUT_MS };
  return {
    version: () => backupVersion(client, actor, options),
    create: (algorithm, authData) => createBackupVersion(client, actor, { algorithm, authData }, options),
    put: (version, body) => putBackupKeys(client, actor, version, body, options),
    keys: (version) => backupKeys(client, actor, version, options),
  };
}
