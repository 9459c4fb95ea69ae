import { readFile, rm } from "node:fs/promises";
import { ClientEvent, createClient, type MatrixClient, SyncState } from "matrix-js-sdk";
import { logger as globalLogger, type Logger } from "matrix-js-sdk/lib/logger.js";
import { writeSecret } from "./folder.ts";
import { happening } from "./happening.ts";
import { readRecoveryKey, setUpIdentity } from "./identity.ts";
import { backUpAtOnce, finishBackup } from "./key-backup.ts";

export interface PersonOptions {
  /** Base URL of the client-server API. */
  readonly url: string;
  readonly localpart: string;
  readonly password: string;
  /** File of the key to the person's secret storage; made when it is missing. */
  readonly recoveryKeyFile: string;
  /** File that remembers the open session, so that one that was cut off is ended by the next. */
  readonly sessionFile: string;
  readonly signal: AbortSignal;
}

/** A person with a Matrix client of their own: logged in, in sync, their device signed by their identity. */
export interface Person {
  readonly client: MatrixClient;
  readonly userId: string;
  /** Lets the key backup finish and logs the device out. Idempotent. */
  close(): Promise<void>;
}

const SYNC_TIMEOUT_MS = 60_000;
const BACKUP_TIMEOUT_MS = 5000;
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * Logs a person in with a new device whose keys live in memory only. Their identity outlives it: the first time
 * cross-signing, secret storage and key backup are set up; later they are opened with the recovery key, so that every
 * device of theirs is signed by the same identity. Throws {@link QuickstartError}.
 */
export async function openPerson(options: PersonOptions): Promise<Person> {
  // Parts of the SDK do not use the logger they are given, and the call `log` which is none of its interface.
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- there is no other way to reach those parts
  Object.assign(globalLogger, SILENT, { log: silence });
  backUpAtOnce();
  await endLeftSession(options);

  const common = { baseUrl: options.url, logger: SILENT, localTimeoutMs: REQUEST_TIMEOUT_MS };
  const login = await createClient(common).loginRequest({
    type: "m.login.password",
    identifier: { type: "m.id.user", user: options.localpart },
    password: options.password,
    initial_device_display_name: "matrix-agents quickstart",
  });
  await writeSecret(options.sessionFile, JSON.stringify({ accessToken: login.access_token }));

  const client = createClient({
    ...common,
    userId: login.user_id,
    deviceId: login.device_id,
    accessToken: login.access_token,
    cryptoCallbacks: {
      getSecretStorageKey: async ({ keys }) => {
        const key = await readRecoveryKey(options.recoveryKeyFile);
        if (key === undefined) return null;
        for (const [id, info] of Object.entries(keys)) {
          if (await client.secretStorage.checkKey(key, info)) return [id, key];
        }
        return null;
      },
    },
  });
  const close = async (): Promise<void> => {
    await finishBackup(client, BACKUP_TIMEOUT_MS);
    await client.logout(true);
    await rm(options.sessionFile, { force: true });
  };
  let closing: Promise<void> | undefined;
  const person: Person = { client, userId: login.user_id, close: () => (closing ??= close()) };

  try {
    await client.initRustCrypto({ useIndexedDB: false });
    await startSync(client, options.signal);
    await setUpIdentity(client, options);
    options.signal.throwIfAborted();
    return person;
  } catch (error) {
    await Promise.allSettled([person.close()]);
    throw error;
  }
}

/** Logs out the device of a run that was killed. One whose session has ended otherwise is no device any more. */
async function endLeftSession({ url, sessionFile }: PersonOptions): Promise<void> {
  const left = await readFile(sessionFile, "utf8").catch(() => undefined);
  if (left === undefined) return;
  const { accessToken } = JSON.parse(left) as { accessToken: string };
  await fetch(`${url}/_matrix/client/v3/logout`, {
    method: "POST",
    headers: { authorization: `Bearer ${accessToken}` },
  });
  await rm(sessionFile, { force: true });
}

async function startSync(client: MatrixClient, signal: AbortSignal): Promise<void> {
  const synced = happening<SyncState>(
    { timeoutMs: SYNC_TIMEOUT_MS, signal, late: () => "the first sync with Synapse did not finish" },
    (done) => {
      const look = (state: SyncState): void => {
        if (state === SyncState.Prepared || state === SyncState.Syncing) done(state);
      };
      client.on(ClientEvent.Sync, look);
      return () => client.off(ClientEvent.Sync, look);
    },
  );
  await Promise.all([client.startClient({ initialSyncLimit: 20, lazyLoadMembers: false }), synced]);
}

const silence = (): void => undefined;
const SILENT: Logger = {
  trace: silence,
  debug: silence,
  info: silence,
  warn: silence,
  error: silence,
  getChild: () => SILENT,
};
