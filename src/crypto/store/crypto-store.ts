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
 * The crypto stores of all ghosts. The engine keeps its state in IndexedDB. Here that is an IndexedDB in memory, loaded
 * from the database when a ghost's store is opened. Each of its transactions is written to the database before the
 * engine learns that it is complete. So everything that the engine releases (a key upload, a to-device message, an
 * encrypted event) rests on state that survives a crash.
 */
export interface CryptoStore {
  /**
   * Loads the store of a ghost's device, empty for a new device; it is writable while the lease is valid. A ghost can
   * have one device open at a time. Throws {@link StoreAlreadyOpen}, StoreNotHeld and DatabaseError.
   */
  open(lease: Lease, deviceId: string): Promise<StoreSession>;
  /**
   * Deletes the room keys, of others and its own, that a device's store has held for longer than this, in ms. Returns
   * their number. Throws {@link StoreAlreadyOpen} when the store is in use, StaleLease and DatabaseError.
   */
  forgetRoomKeys(lease: Lease, deviceId: string, olderMs: number): Promise<number>;
  /**
   * Deletes everything stored for a replaced device. Throws {@link StoreAlreadyOpen} when that device is in use, and
   * DatabaseError.
   */
  destroy(ghost: string, deviceId: string): Promise<void>;
}

/** The engine's object store of inbound Megolm sessions; its name may end in a format number. */
const ROOM_KEYS = "inbound_group_sessions";

/**
 * Makes the registry of open stores. A process must have only one: two would not know of each other, and the engine
 * does not refuse a second machine on one store.
 */
export function createCryptoStore(database: Database, log: Logger): CryptoStore {
  /** By ghost: the id of the device whose store is open, being opened or being closed. */
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
