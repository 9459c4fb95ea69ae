import { randomInt } from "node:crypto";
import { AuditLog } from "../../audit/audit-log.ts";
import type { BackupState } from "../../crypto/key-backup.ts";
import type { Database } from "../../database/database.ts";
import { fenced, fencedAtOnce, type Lease } from "../../leases/leases.ts";
import type { DeviceRecord } from "./device-state.ts";

/** The devices in the rows of `ghosts`. Everything that a lease guards throws StaleLease. */
export class DeviceStore {
  readonly #database: Database;
  readonly #audit: AuditLog;

  constructor(database: Database) {
    this.#database = database;
    this.#audit = new AuditLog(database);
  }

  /** The record of a ghost's device; the first call makes it, with a new id. The id never changes by itself. */
  async ensure(userId: string): Promise<DeviceRecord> {
    await this.#database.query("insert into ghosts (user_id, device_id) values ($1, $2) on conflict do nothing", [
      userId,
      newDeviceId(),
    ]);
    const { rows } = await this.#database.query<{
      device_id: string;
      device_made: boolean;
      access_token: string | null;
      sync_since: string | null;
      cross_signed: boolean;
      secured: boolean;
      renew: boolean;
      reset_identity: boolean;
      replaces: string | null;
      restore: boolean;
      marker: number;
    }>(
      `select device_id, device_made, access_token, sync_since, cross_signed, secured, renew, reset_identity, replaces,
         restore, marker
       from ghosts where user_id = $1`,
      [userId],
    );
    const row = rows[0];
    if (row === undefined) throw new Error(`the record of ${userId} has vanished`);
    return {
      deviceId: row.device_id,
      deviceMade: row.device_made,
      accessToken: row.access_token ?? undefined,
      since: row.sync_since ?? undefined,
      crossSigned: row.cross_signed,
      secured: row.secured,
      renew: row.renew,
      resetIdentity: row.reset_identity,
      replaces: row.replaces ?? undefined,
      restore: row.restore,
      marker: row.marker,
    };
  }

  /** Starts a new device in place of the present one. It must be made, signed, and given the backup's keys. */
  async replaceDevice(lease: Lease): Promise<void> {
    await this.#update(
      lease,
      `update ghosts set replaces = device_id, device_id = $2, device_made = false, access_token = null, sync_since = null,
         receiving = false, cross_signed = false, identity_refused = false, fingerprint = null, renew = false, restore = true where user_id = $1`,
      [newDeviceId()],
    );
  }

  /** Records that the new device has replaced the old one. */
  async replaced(lease: Lease): Promise<void> {
    await this.#update(lease, "update ghosts set replaces = null where user_id = $1", []);
  }

  /** Stores the public keys, for people to compare. */
  async setKeys(lease: Lease, fingerprint: string, masterKey: string | undefined): Promise<void> {
    await this.#update(lease, "update ghosts set fingerprint = $2, master_key = $3 where user_id = $1", [
      fingerprint,
      masterKey ?? null,
    ]);
  }

  /** Records that the identity's secrets and the room keys are on the server. */
  async setSecured(lease: Lease): Promise<void> {
    await this.#update(lease, "update ghosts set secured = true where user_id = $1", []);
  }

  /** Records that the room keys of the backup have been read. */
  async setRestored(lease: Lease): Promise<void> {
    await this.#update(lease, "update ghosts set restore = false where user_id = $1", []);
  }

  /**
   * Increases the store's marker; see store-marker.ts.
   *
   * @param options.isIdentityNew whether secret storage can only have the secrets of a former identity.
   */
  async countMarker(
    lease: Lease,
    { isIdentityNew = false }: { readonly isIdentityNew?: boolean } = {},
  ): Promise<Pick<DeviceRecord, "marker" | "crossSigned" | "secured">> {
    return fenced(this.#database, lease, async (tx) => {
      const { rows } = await tx.query<{ marker: number; cross_signed: boolean; secured: boolean }>(
        `update ghosts set marker = marker + 1, secured = secured and not $2 where user_id = $1
         returning marker, cross_signed, secured`,
        [lease.ghost, isIdentityNew],
      );
      const [row] = rows;
      if (row === undefined) throw new Error(`the record of ${lease.ghost} has vanished`);
      return { marker: row.marker, crossSigned: row.cross_signed, secured: row.secured };
    });
  }

  /** Records whether every room key has reached the backup. */
  async setBackup(lease: Lease, state: BackupState): Promise<void> {
    const sql = "update ghosts set backup_behind = $2 where user_id = $1 and backup_behind <> $2";
    await this.#update(lease, sql, [state === "behind"]);
  }

  /** Saves the position in /sync: everything before it is received. */
  async saveSince(lease: Lease, since: string): Promise<void> {
    await this.#update(lease, "update ghosts set sync_since = $2, receiving = false where user_id = $1", [since]);
  }

  /** Stores a device's own token, sealed. */
  async setToken(lease: Lease, sealed: string): Promise<void> {
    await this.#update(lease, "update ghosts set access_token = $2 where user_id = $1", [sealed]);
  }

  /** Records that the server takes no identity from the device, which stays unsigned. Returns whether that is new. */
  async setIdentityRefused(lease: Lease): Promise<boolean> {
    const sql = "update ghosts set identity_refused = true where user_id = $1 and not identity_refused";
    const { count } = await fencedAtOnce(this.#database, lease, (tx) => tx.query(sql, [lease.ghost]));
    return count > 0;
  }

  /**
   * Records that the server knows the device.
   *
   * @param sealedToken the device's own token, sealed; undefined where the bridge acts as the device by its id.
   */
  async setDeviceMade(lease: Lease, sealedToken: string | undefined): Promise<void> {
    await fenced(this.#database, lease, async (tx) => {
      const { rows } = await tx.query<{ device_id: string; replaces: string | null }>(
        "update ghosts set device_made = true, access_token = $2 where user_id = $1 returning device_id, replaces",
        [lease.ghost, sealedToken ?? null],
      );
      for (const { device_id: device, replaces } of rows) {
        const entry = { kind: "device.new", ghost: lease.ghost, device, replaces: replaces ?? undefined } as const;
        await this.#audit.record(tx, entry);
      }
    });
  }

  /**
   * Records that the ghost's identity has signed the device.
   *
   * @param options.restore whether the room keys of the backup must be read, because the identity existed before.
   */
  async setCrossSigned(lease: Lease, { restore }: { readonly restore: boolean }): Promise<void> {
    await fenced(this.#database, lease, async (tx) => {
      const { count } = await tx.query("select from ghosts where user_id = $1 and reset_identity", [lease.ghost]);
      await tx.query(
        `update ghosts set cross_signed = true, identity_refused = false, reset_identity = false,
           restore = restore or $2 where user_id = $1`,
        [lease.ghost, restore],
      );
      if (count > 0) await this.#audit.record(tx, { kind: "identity.reset", ghost: lease.ghost });
    });
  }

  /** Writes as the ghost's owner; `$1` is the ghost. Throws StaleLease. */
  async #update(lease: Lease, sql: string, values: readonly unknown[]): Promise<void> {
    await fencedAtOnce(this.#database, lease, (tx) => tx.query(sql, [lease.ghost, ...values]));
  }
}

/** Ten capital letters, as in other clients' device ids. */
export function newDeviceId(): string {
  return Array.from({ length: 10 }, () => String.fromCharCode(65 + randomInt(26))).join("");
}
