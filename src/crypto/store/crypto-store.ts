import type { Database } from "../../database/database.ts";
import type { Lease } from "../../leases/leases.ts";
import type { Logger } from "../../observability/log.ts";
import { StoreAlreadyOpen } from "./errors.ts";
import { assertStoreHolds } from "./self-test.ts";
import { openSession, type StoreSession } from "./session.ts";
import { databaseNames, storeName } from "./names.ts";
import { deleteDatabase, deleteOldRecords } from "./tables.ts";

export type { StoreSession } from "./session.ts";

/**
 * The crypto stores of all ghosts. The engine keeps its state in IndexedDB; here that is an IndexedDB in memory, loaded
 * from the database when a ghost's store is opened, of which every transaction is written to the database before the
 * engine learns that it is complete. So whatever the engine lets out (a key upload, a to-device message, an encrypted
 * event) rests on state that a crash does not take back.
 */
export interface CryptoStore {
  /**
   * Loads the device's part of a ghost's store, empty for a new device; writable as long as the lease is good. One device
   * of a ghost at a time. Throws {@link StoreAlreadyOpen}, StoreNotHeld and DatabaseError.
   */
  open(lease: Lease, deviceId: string): Promise<StoreSession>;
  /**
   * Deletes the room keys of others and of its own that a device's store has held for longer than this, in ms. Returns how
   * many. Throws {@link StoreAlreadyOpen} when the store is in use, StaleLease and DatabaseError.
   */
  forgetRoomKeys(lease: Lease, deviceId: string, olderMs: number): Promise<number>;
  /**
   * Deletes all that is stored of a device that has been replaced, for good. Throws {@link StoreAlreadyOpen} when that
   * device is the one in use, and DatabaseError.
   */
  destroy(ghost: string, deviceId: string): Promise<void>;
}

/** The engine's object store of inbound Megolm sessions, whatever the number of its format. */
const ROOM_KEYS = "inbound_group_sessions";

/**
 * Makes the one registry of open stores of this process: two of them would not know of each other, and the engine does
 * not refuse a second machine on one store.
 */
export function createCryptoStore(database: Database, log: Logger): CryptoStore {
  /** Device ids of ghosts whose store is open, being opened or being closed. */
  const inUse = new Map<string, string>();
  let proof: Promise<void> | undefined;

  return {
    async open(lease, deviceId) {
      const { ghost } = lease;
      if (inUse.has(ghost)) throw new StoreAlreadyOpen(ghost);
      inUse.set(ghost, deviceId);
      const release = (): void => {
        inUse.delete(ghost);
      };
      try {
        await (proof ??= assertStoreHolds());
        return await openSession({ database, log, lease, deviceId, closed: release });
      } catch (error) {
        release();
        throw error;
      }
    },

    async forgetRoomKeys(lease, deviceId, olderMs) {
      if (inUse.has(lease.ghost)) throw new StoreAlreadyOpen(lease.ghost);
      const names = databaseNames(storeName(lease.ghost, deviceId)).map(({ stored }) => stored);
      const count = await deleteOldRecords(database, lease, names, ROOM_KEYS, olderMs);
      if (count > 0) log.info({ ghost: lease.ghost, device: deviceId, keys: count }, "old room keys forgotten");
      return count;
    },

    async destroy(ghost, deviceId) {
      if (inUse.get(ghost) === deviceId) throw new StoreAlreadyOpen(ghost);
      await database.transaction(async (tx) => {
        for (const { stored } of databaseNames(storeName(ghost, deviceId))) await deleteDatabase(tx, stored);
      });
      log.info({ ghost, device: deviceId }, "a replaced device's crypto store was deleted");
    },
  };
}
