import { Device } from "../../crypto/device.ts";
import { SecretStorage } from "../../crypto/secret-storage.ts";
import type { StoreSession } from "../../crypto/store/crypto-store.ts";
import type { DeviceTransport } from "../../crypto/transport.ts";
import type { Lease } from "../../leases/leases.ts";
import type { Logger } from "../../observability/log.ts";
import type { DevicePlace } from "./device-state.ts";
import { DeviceStore } from "./device-store.ts";
import type { DeviceOwner, DeviceSurroundings } from "./device-surroundings.ts";
import { deviceTransport } from "./device-transport.ts";
import { GhostVerifications } from "./ghost-verifications.ts";
import { accountDataOf, backupServerOf } from "./server-side-keys.ts";
import { keptWithMarker } from "./store-marker.ts";
import { StoredToDeviceAttempts } from "./to-device-attempts.ts";
import { ToDeviceGate } from "./to-device-gate.ts";

/** An open device, with its store. */
export interface OpenDevice {
  readonly device: Device;
  readonly session: StoreSession;
}

/** Opens a ghost's devices on their stores, with everything that they need from the bridge. */
export class DeviceOpener {
  readonly #userId: string;
  readonly #surroundings: DeviceSurroundings;
  readonly #owner: DeviceOwner;
  readonly #log: Logger;
  readonly #store: DeviceStore;
  readonly #gate: ToDeviceGate;

  constructor(userId: string, surroundings: DeviceSurroundings, owner: DeviceOwner, log: Logger) {
    this.#userId = userId;
    this.#surroundings = surroundings;
    this.#owner = owner;
    this.#log = log;
    this.#store = new DeviceStore(surroundings.database);
    this.#gate = new ToDeviceGate(userId, surroundings, log);
  }

  /** Opens a device with the ghost's position in /sync. Throws the error of the database or the store. */
  open(place: DevicePlace, lease: Lease): Promise<OpenDevice> {
    return this.#open(place, lease, (since) => this.#store.saveSince(lease, since));
  }

  /** Opens a replaced device: it reads from the beginning, and its position is not saved. */
  openReplaced(deviceId: string, lease: Lease): Promise<OpenDevice> {
    return this.#open({ deviceId, since: undefined }, lease, () => Promise.resolve());
  }

  async #open(place: DevicePlace, lease: Lease, saveSince: (since: string) => Promise<void>): Promise<OpenDevice> {
    const session = await this.#surroundings.cryptoStore.open(lease, place.deviceId);
    try {
      return { session, device: await this.#openOn(session, place, lease, saveSince) };
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  async #openOn(
    session: StoreSession,
    { deviceId, since }: DevicePlace,
    lease: Lease,
    saveSince: (since: string) => Promise<void>,
  ): Promise<Device> {
    const { database, client, masterKey, mailbox, syncing, permissions, metrics, ...rest } = this.#surroundings;
    const userId = this.#userId;
    const backup = backupServerOf(client, userId);
    return Device.open({
      userId,
      deviceId,
      store: session,
      storeKey: await masterKey.storeKey(userId, deviceId),
      transport: this.#transport(deviceId),
      backup: { ...backup, put: (version, body) => syncing.run(() => backup.put(version, body)) },
      storage: new SecretStorage(accountDataOf(client, userId), await masterKey.recoveryKey(userId)),
      keptIdentity: keptWithMarker(client, this.#store, lease, deviceId),
      onBackup: (state) => this.#store.setBackup(lease, state),
      verification: {
        mode: rest.verification,
        ledger: new GhostVerifications(database, lease, this.#owner.verified),
        isAllowed: (flow) =>
          permissions.decide({ act: "verification", userId: flow.userId, ghost: userId, roomId: flow.roomId }).allowed,
        targetIn: this.#owner.targetIn,
      },
      trusted: (roomId) => rest.trustIn(userId, roomId).read,
      inbox: {
        since,
        saveSince,
        admit: async (messages) => (await this.#gate.admit(messages)).filter((message) => !this.#owner.heard(message)),
        onRefused: (count) => metrics?.toDeviceRefused.inc({ why: "malformed" }, count),
        attempts: new StoredToDeviceAttempts(database, lease, this.#log),
        onRoomKeys: async (sessionIds) => {
          if ((await mailbox.keysArrived(lease, sessionIds)) > 0) this.#owner.wake();
        },
      },
      log: this.#log,
    });
  }

  #transport(deviceId: string): DeviceTransport {
    const { client, syncing, metrics } = this.#surroundings;
    const transport = deviceTransport(client, { userId: this.#userId, deviceId }, () => {
      metrics?.toDeviceRefused.inc({ why: "too_large" });
      this.#log.error("a /sync was too large to be read, so the messages in it are lost");
    });
    return {
      ...transport,
      sync: async (since) => {
        const answer = await syncing.run(() => transport.sync(since));
        const agent = metrics?.agent(this.#userId) ?? "";
        metrics?.oneTimeKeys.set({ agent }, answer.keyCounts["signed_curve25519"] ?? 0);
        return answer;
      },
    };
  }
}

/** Closes a device and its store. */
export async function closeDevice({ device, session }: OpenDevice): Promise<void> {
  await device.close();
  await session.close();
}
