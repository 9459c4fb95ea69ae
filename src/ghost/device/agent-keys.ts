import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import { readIdentity, type IdentitySecrets } from "../../crypto/identity.ts";
import { BACKUP_ALGORITHM, BACKUP_SECRET, decryptBackedUpKey } from "../../crypto/key-backup.ts";
import { SecretStorage } from "../../crypto/secret-storage.ts";
import type { HomeserverClient } from "../../homeserver/client.ts";
import { OperatorError } from "../../observability/operator-error.ts";
import { accountDataOf, backupServerOf } from "./server-side-keys.ts";
import { markerOf } from "./store-marker.ts";

/** A room key in the export format of clients (spec "Key export format"). */
export type ExportedKey = Readonly<Record<string, unknown>> & {
  readonly room_id: string;
  readonly session_id: string;
};

/** This key opens nothing on the server. */
class KeysNotFound extends OperatorError<"KeysNotFound"> {
  override readonly name = "KeysNotFound";
}

/** The state of a ghost's keys on the server. */
export interface ServerSideKeys {
  /** Whether the identity's secrets are there, under our key, and whether in secret storage or still with the marker. */
  readonly identity: "in secret storage" | "kept" | undefined;
  /** The backup that our key opens. */
  readonly backup: { readonly version: string; readonly keys: number } | undefined;
}

/** The room keys in one request to the server. */
const PUT_AT_ONCE = 200;

/**
 * An operator's actions on a ghost's keys, through its secret storage and its backup on the server alone: the ghost may
 * be loaded or not, here or elsewhere. Every method throws HomeserverError.
 */
export class AgentKeys {
  readonly #client: HomeserverClient;
  readonly #userId: string;
  readonly #storage: SecretStorage;

  /** @param recoveryKey the 32 bytes that encrypt the ghost's secret storage. */
  constructor(client: HomeserverClient, userId: string, recoveryKey: Uint8Array) {
    this.#client = client;
    this.#userId = userId;
    this.#storage = new SecretStorage(accountDataOf(client, userId), recoveryKey);
  }

  async status(): Promise<ServerSideKeys> {
    const stored = await readIdentity(this.#storage, undefined);
    const kept = stored ?? (await this.#identity(this.#storage));
    const backup = await this.#backup().catch((error: unknown) => {
      if (error instanceof KeysNotFound) return undefined;
      throw error;
    });
    return {
      identity: stored !== undefined ? "in secret storage" : kept && "kept",
      backup: backup && { version: backup.version, keys: backup.count },
    };
  }

  /**
   * Encrypts the secrets that another key opens with our key, so that the ghost finds them. Throws {@link KeysNotFound}
   * when that key does not open them.
   */
  async takeOver(otherRecoveryKey: Uint8Array): Promise<void> {
    const other = new SecretStorage(accountDataOf(this.#client, this.#userId), otherRecoveryKey);
    const identity = await this.#identity(other);
    if (identity === undefined) {
      throw new KeysNotFound(`this recovery key does not open the secret storage of ${this.#userId}`);
    }
    const backupKey = await other.read(BACKUP_SECRET);
    await this.#storage.write({ ...identity, ...(backupKey === undefined ? {} : { [BACKUP_SECRET]: backupKey }) });
  }

  /** The room keys of the backup. Throws {@link KeysNotFound} when there is none. */
  async exportKeys(): Promise<ExportedKey[]> {
    const { key, version } = await this.#backup();
    const all = await backupServerOf(this.#client, this.#userId).keys(version);
    return all.flatMap((backedUp) => {
      const data = decryptBackedUpKey(key, backedUp);
      return data === undefined ? [] : [{ ...data, room_id: backedUp.roomId, session_id: backedUp.sessionId }];
    });
  }

  /** Adds room keys to the backup. Throws {@link KeysNotFound} when there is none. */
  async importKeys(keys: readonly ExportedKey[]): Promise<void> {
    const { key, version } = await this.#backup();
    const server = backupServerOf(this.#client, this.#userId);
    const encryption = engine.PkEncryption.fromKey(
      new engine.Curve25519PublicKey(key.megolmV1PublicKey.publicKeyBase64),
    );
    for (let start = 0; start < keys.length; start += PUT_AT_ONCE) {
      const rooms: Record<string, { sessions: Record<string, object> }> = {};
      for (const { room_id: roomId, session_id: sessionId, ...data } of keys.slice(start, start + PUT_AT_ONCE)) {
        const message = encryption.encryptString(JSON.stringify(data)).toBase64();
        (rooms[roomId] ??= { sessions: {} }).sessions[sessionId] = {
          first_message_index: 0,
          forwarded_count: 0,
          is_verified: false,
          session_data: { ephemeral: message.ephemeralKey, mac: message.mac, ciphertext: message.ciphertext },
        };
      }
      await server.put(version, JSON.stringify({ rooms }));
    }
  }

  async #identity(storage: SecretStorage): Promise<IdentitySecrets | undefined> {
    return readIdentity(storage, (await markerOf(this.#client, this.#userId))?.identity);
  }

  async #backup(): Promise<{ key: engine.BackupDecryptionKey; version: string; count: number }> {
    await engine.initAsync();
    const secret = await this.#storage.read(BACKUP_SECRET);
    const current = await backupServerOf(this.#client, this.#userId).version();
    if (current === undefined) {
      throw new KeysNotFound(
        `${this.#userId} has no backup of room keys yet: it makes one with the first encrypted message that it reads`,
      );
    }
    const key = secret === undefined ? undefined : engine.BackupDecryptionKey.fromBase64(secret);
    const isOurs =
      current.algorithm === BACKUP_ALGORITHM &&
      current.authData["public_key"] === key?.megolmV1PublicKey.publicKeyBase64;
    if (key === undefined || !isOurs) {
      throw new KeysNotFound(`${this.#userId} has no backup of room keys that this master key opens`);
    }
    return { key, version: current.version, count: current.count };
  }
}
