import { readFile } from "node:fs/promises";
import type { MatrixClient } from "matrix-js-sdk";
import { type CryptoApi, decodeRecoveryKey, encodeRecoveryKey } from "matrix-js-sdk/lib/crypto-api/index.js";
import { QuickstartError } from "./errors.ts";
import { writeSecret } from "./folder.ts";

export interface IdentityOptions {
  readonly localpart: string;
  readonly password: string;
  /** File of the key to the person's secret storage, in the form people type it into their clients. */
  readonly recoveryKeyFile: string;
}

/** Reads the recovery key; undefined when there is none yet. Throws when the file holds something else. */
export async function readRecoveryKey(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return decodeRecoveryKey(text.trim());
  } catch (cause) {
    throw new QuickstartError(`${path} does not hold a recovery key${START_AFRESH}`, { cause });
  }
}

/**
 * Makes this device one of the person's own: signed by their cross-signing identity and joined to their key backup.
 * Missing parts of the identity, the secret storage and the backup are made; existing ones are never replaced. Each
 * secret is kept before anything that depends on it is published, so the next run can take up one that was cut off.
 * Throws {@link QuickstartError} when another client has changed the secrets so that they do not open any more.
 */
export async function setUpIdentity(client: MatrixClient, options: IdentityOptions): Promise<void> {
  const crypto = client.getCrypto();
  if (crypto === undefined) throw new Error("the client has no crypto");
  await openSecretStorage(client, crypto, options.recoveryKeyFile);
  await signDevice(client, crypto, options);
  await joinBackup(client, crypto);
}

async function openSecretStorage(client: MatrixClient, crypto: CryptoApi, recoveryKeyFile: string): Promise<void> {
  const kept = await readRecoveryKey(recoveryKeyFile);
  const current = await client.secretStorage.getKey();
  if (current === null) {
    const privateKey = kept ?? (await crypto.createRecoveryKeyFromPassphrase()).privateKey;
    await writeSecret(recoveryKeyFile, `${encodeRecoveryKey(privateKey) ?? ""}\n`);
    await crypto.bootstrapSecretStorage({ createSecretStorageKey: () => Promise.resolve({ privateKey }) });
    return;
  }
  const [, info] = current;
  if (kept === undefined || !(await client.secretStorage.checkKey(kept, info))) {
    throw new QuickstartError(
      `the recovery key of ${client.getSafeUserId()} was changed by another client: put the current one into ` +
        `${recoveryKeyFile}${START_AFRESH}`,
    );
  }
}

async function signDevice(client: MatrixClient, crypto: CryptoApi, options: IdentityOptions): Promise<void> {
  const published = await crypto.userHasCrossSigningKeys(client.getSafeUserId(), true);
  const { privateKeysInSecretStorage } = await crypto.getCrossSigningStatus();
  if (published && !privateKeysInSecretStorage) {
    throw new QuickstartError(
      `the cross-signing keys of ${client.getSafeUserId()} were made by another client and are not in their secret ` +
        `storage: set up recovery there with the key in ${options.recoveryKeyFile}${START_AFRESH}`,
    );
  }
  await crypto.bootstrapCrossSigning({
    setupNewCrossSigning: !published,
    authUploadDeviceSigningKeys: (makeRequest) =>
      makeRequest({
        type: "m.login.password",
        identifier: { type: "m.id.user", user: options.localpart },
        password: options.password,
      }),
  });
}

async function joinBackup(client: MatrixClient, crypto: CryptoApi): Promise<void> {
  const backup = await crypto.getKeyBackupInfo();
  const keptKey = await client.secretStorage.isStored("m.megolm_backup.v1");
  if (backup === null || keptKey === null) {
    await crypto.resetKeyBackup();
    return;
  }
  await crypto.loadSessionBackupPrivateKeyFromSecretStorage();
  await crypto.checkKeyBackupAndEnable();
}

const START_AFRESH = ", or start afresh with: npm run quickstart -- --reset";
