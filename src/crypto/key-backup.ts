import { setTimeout as pause } from "node:timers/promises";
import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import { backoffMs } from "../concurrency/backoff.ts";
import { MatrixError } from "../homeserver/errors.ts";
import type { BackedUpKey, BackupVersion } from "../homeserver/key-backup-calls.ts";
import type { Logger } from "../observability/log.ts";
import type { SecretStorage } from "./secret-storage.ts";
import { Coalesced, type Serial } from "../concurrency/serial.ts";

/** The server's backup of one user's room keys. */
export interface BackupServer {
  version(): Promise<BackupVersion | undefined>;
  /** Returns the new version's name. */
  create(algorithm: string, authData: object): Promise<string>;
  /** Body and answer are in the engine's format. */
  put(version: string, body: string): Promise<string>;
  keys(version: string): Promise<readonly BackedUpKey[]>;
}

/** Whether every room key has reached the backup. It is behind only when an upload failed. */
export type BackupState = "behind" | "complete";

/** The only backup algorithm of the spec ("m.megolm_backup.v1.curve25519-aes-sha2"). */
export const BACKUP_ALGORITHM = "m.megolm_backup.v1.curve25519-aes-sha2";

/** The name of the backup's private key in secret storage. */
export const BACKUP_SECRET = "m.megolm_backup.v1";

/** Keys arrive in groups. An upload waits this long for more of them, in ms. */
const UPLOAD_AFTER_MS = 2_000;

/** The first and the longest wait after a failed upload, in ms. */
const RETRY = { firstMs: 5_000, longestMs: 600_000 };

/** The time limit of the last upload when the device is closed, in ms. */
const LAST_UPLOAD_MS = 2_000;

/** The number of keys imported at once, so that others do not wait long for the engine. */
const IMPORT_AT_ONCE = 200;

/**
 * Keeps a copy of a ghost's room keys on the server, encrypted with a key that only its secret storage holds. Uploads
 * run in the background and are retried.
 */
export class KeyBackup {
  readonly #machine: engine.OlmMachine;
  readonly #calls: Serial;
  readonly #server: BackupServer;
  readonly #storage: SecretStorage;
  readonly #onState: (state: BackupState) => Promise<void>;
  readonly #log: Logger;
  readonly #upload = new Coalesced(() => this.#uploadAll());
  #timer: NodeJS.Timeout | undefined;
  /** Undefined until the first upload of this object. */
  #state: BackupState | undefined;
  #begin: (() => Promise<void>) | undefined;
  #flushing = 0;
  #failures = 0;
  #closed = false;

  constructor(options: {
    readonly machine: engine.OlmMachine;
    readonly calls: Serial;
    readonly server: BackupServer;
    /** The secret storage that holds the backup's private key. */
    readonly storage: SecretStorage;
    /** Called after the first upload, and when the state changes. */
    readonly onState: (state: BackupState) => Promise<void>;
    readonly log: Logger;
  }) {
    this.#machine = options.machine;
    this.#calls = options.calls;
    this.#server = options.server;
    this.#storage = options.storage;
    this.#onState = options.onState;
    this.#log = options.log;
  }

  /** Continues the backup that the store knows, if there is one. */
  async resume(): Promise<void> {
    const keys = await this.#calls.run(() => this.#machine.getBackupKeys());
    const { decryptionKey, backupVersion } = keys;
    if (decryptionKey === undefined || backupVersion === undefined) return;
    await this.#enable(decryptionKey, backupVersion);
    this.wake();
  }

  /** As soon as there is a room key, the backup begins with this step, which is retried. Returns at once. */
  beginWithFirstKey(begin: () => Promise<void>): void {
    this.#begin = begin;
    this.wake();
  }

  /**
   * Makes sure that there is a backup and that its key is in secret storage. It continues the existing backup when its
   * key is available, and otherwise starts a new one. It never writes to a backup whose key somebody else holds. Throws
   * HomeserverError.
   */
  async establish(): Promise<void> {
    const storage = this.#storage;
    const kept = await this.#calls.run(() => this.#machine.getBackupKeys());
    const stored = await storage.read(BACKUP_SECRET);
    const current = await this.#server.version();
    for (const key of [kept.decryptionKey, stored === undefined ? undefined : fromBase64(stored)]) {
      if (key === undefined || current === undefined || !opens(key, current)) continue;
      if (stored !== key.toBase64()) await storage.write({ [BACKUP_SECRET]: key.toBase64() });
      await this.#use(key, current.version);
      return;
    }
    await this.#start();
  }

  /** Starts a new backup, whatever there is. Throws HomeserverError. */
  async #start(): Promise<void> {
    const storage = this.#storage;
    const key = engine.BackupDecryptionKey.createRandomKey();
    const authData = { public_key: key.megolmV1PublicKey.publicKeyBase64 };
    const signatures = await this.#calls.run(() => this.#machine.sign(JSON.stringify(authData)));
    // The key must be findable before anything is encrypted with it.
    await storage.write({ [BACKUP_SECRET]: key.toBase64() });
    const version = await this.#server.create(BACKUP_ALGORITHM, {
      ...authData,
      signatures: JSON.parse(signatures.asJSON()) as object,
    });
    await this.#use(key, version);
    this.#log.info({ version }, "key backup started");
  }

  /** Reads all keys of the backup into the store. Returns the ids of their sessions. Throws HomeserverError. */
  async restore(): Promise<string[]> {
    const { decryptionKey, backupVersion } = await this.#calls.run(() => this.#machine.getBackupKeys());
    if (decryptionKey === undefined || backupVersion === undefined) return [];
    const all = await this.#server.keys(backupVersion);
    const sessions: string[] = [];
    for (let start = 0; start < all.length; start += IMPORT_AT_ONCE) {
      const keys = all.slice(start, start + IMPORT_AT_ONCE).flatMap((key) => {
        const data = decryptBackedUpKey(decryptionKey, key);
        if (data === undefined) this.#log.warn({ room: key.roomId }, "a key in the backup can't be read; skipped");
        return data === undefined ? [] : [{ ...key, data }];
      });
      await this.#import(keys, backupVersion);
      sessions.push(...keys.map(({ sessionId }) => sessionId));
    }
    this.#log.info({ keys: sessions.length, version: backupVersion }, "room keys restored from the backup");
    return sessions;
  }

  /** Says that there may be new keys. Returns at once. */
  wake(): void {
    if (this.#closed || this.#timer !== undefined) return;
    this.#after(UPLOAD_AFTER_MS);
  }

  /** Uploads all keys that are not uploaded yet. Throws HomeserverError. */
  async flush(): Promise<void> {
    this.#flushing++;
    try {
      await this.#upload.run();
      await this.#enter("complete");
    } catch (error) {
      await this.#enter("behind");
      throw error;
    } finally {
      this.#flushing--;
    }
  }

  /**
   * Uploads the waiting keys, for {@link LAST_UPLOAD_MS} at most. The rest is uploaded when the device is opened again.
   */
  async close(): Promise<void> {
    const waits = (this.#timer !== undefined || this.#flushing > 0) && this.#failures === 0;
    clearTimeout(this.#timer);
    if (waits) {
      const patience = new AbortController();
      const last = this.flush().catch((error: unknown) =>
        this.#log.warn({ error }, "the latest keys were not backed up"),
      );
      const late = pause(LAST_UPLOAD_MS, undefined, { signal: patience.signal }).then(() => this.#enter("behind"));
      await Promise.race([last, late]).finally(() => {
        patience.abort();
      });
    }
    this.#closed = true;
  }

  /** A state that can't be recorded now is recorded after the next upload. */
  async #enter(state: BackupState): Promise<void> {
    if (this.#state === state || this.#closed) return;
    this.#state = state;
    await this.#onState(state).catch((error: unknown) => {
      this.#state = undefined;
      this.#log.warn({ error }, "the state of the key backup could not be recorded");
    });
  }

  async #use(key: engine.BackupDecryptionKey, version: string): Promise<void> {
    await this.#calls.run(() => this.#machine.saveBackupDecryptionKey(key, version));
    await this.#enable(key, version);
    this.wake();
  }

  async #enable(key: engine.BackupDecryptionKey, version: string): Promise<void> {
    const publicKey = key.megolmV1PublicKey.publicKeyBase64;
    await this.#calls.run(() => this.#machine.enableBackupV1(publicKey, version));
  }

  async #import(
    keys: readonly { readonly roomId: string; readonly sessionId: string; readonly data: object }[],
    version: string,
  ): Promise<void> {
    const rooms = new Map<string, Map<string, object>>();
    for (const { roomId, sessionId, data } of keys) {
      const sessions = rooms.get(roomId) ?? new Map<string, object>();
      rooms.set(roomId, sessions.set(sessionId, data));
    }
    const byRoom = new Map([...rooms].map(([roomId, sessions]) => [new engine.RoomId(roomId), sessions]));
    await this.#calls.run(() => this.#machine.importBackedUpRoomKeys(byRoom, () => undefined, version));
  }

  async #uploadAll(): Promise<void> {
    if (this.#begin !== undefined) {
      const { total } = await this.#calls.run(() => this.#machine.roomKeyCounts());
      if (total === 0) return;
      await this.#begin();
      this.#begin = undefined;
    }
    while (!this.#closed) {
      const request = await this.#calls.run(() => this.#machine.backupRoomKeys());
      if (request === undefined) return;
      const answer = await this.#put(request);
      if (answer === undefined) continue;
      await this.#calls.run(() => this.#machine.markRequestAsSent(request.id, request.type, answer));
    }
  }

  /**
   * Undefined when this version is no longer in use: there is another by now, and every key is uploaded to that one.
   */
  async #put(request: engine.KeysBackupRequest): Promise<string | undefined> {
    try {
      return await this.#server.put(request.version, request.body);
    } catch (error) {
      const isOver =
        error instanceof MatrixError &&
        (error.errcode === "M_WRONG_ROOM_KEYS_VERSION" || error.errcode === "M_NOT_FOUND");
      if (!isOver) throw error;
      this.#log.warn({ version: request.version }, "the key backup was replaced or deleted");
      await this.#calls.run(() => this.#machine.disableBackup());
      await this.establish();
      return undefined;
    }
  }

  #after(waitMs: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.flush().then(
        () => {
          this.#failures = 0;
        },
        (error: unknown) => {
          if (this.#closed) return;
          this.#log.warn({ error }, "room keys could not be backed up yet");
          this.#after(backoffMs(this.#failures++, RETRY));
        },
      );
    }, waitMs);
    this.#timer.unref();
  }
}

/** A key of the backup as the engine imports it; undefined when it can't be decrypted. */
export function decryptBackedUpKey(
  key: engine.BackupDecryptionKey,
  { data }: Pick<BackedUpKey, "data">,
): Readonly<Record<string, unknown>> | undefined {
  const { ephemeral, mac, ciphertext } = data;
  if (typeof ephemeral !== "string" || typeof mac !== "string" || typeof ciphertext !== "string") return undefined;
  try {
    return JSON.parse(key.decryptV1(ephemeral, mac, ciphertext)) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function opens(key: engine.BackupDecryptionKey, version: BackupVersion): boolean {
  return (
    version.algorithm === BACKUP_ALGORITHM && version.authData["public_key"] === key.megolmV1PublicKey.publicKeyBase64
  );
}

function fromBase64(text: string): engine.BackupDecryptionKey | undefined {
  try {
    return engine.BackupDecryptionKey.fromBase64(text);
  } catch {
    return undefined;
  }
}
