import { Device } from "../../crypto/device.ts";
import { deviceExists, loginDevice } from "../../homeserver/device-calls.ts";
import { DeviceGone } from "../../homeserver/errors.ts";
import { SecretStorage } from "../../crypto/secret-storage.ts";
import type { StoreSession } from "../../crypto/store/crypto-store.ts";
import type { DeviceTransport } from "../../crypto/transport.ts";
import type { Lease } from "../../leases/leases.ts";
import type { Logger } from "../../observability/log.ts";
import { DeviceAccess } from "./device-access.ts";
import { deviceNameOf } from "./device-name.ts";
import type { DevicePlace } from "./device-state.ts";
import { DeviceStore } from "./device-store.ts";
import type { DeviceOwner, DeviceSurroundings } from "./device-surroundings.ts";
import { openToken, sealToken } from "./device-token.ts";
import { deviceTransport } from "./device-transport.ts";
import { GhostVerifications } from "./ghost-verifications.ts";
import { accountDataOf, backupServerOf } from "./server-side-keys.ts";
import { keptWithMarker } from "./store-marker.ts";
import { StoredToDeviceAttempts } from "./to-device-attempts.ts";
import { ToDeviceGate } from "./to-device-gate.ts";

/** An open device, with its store. */
export interface OpenDevice {
  readonly device: Device;
  readonly access: DeviceAccess;
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
    return this.#open(place, lease, {
      saveSince: (since) => this.#store.saveSince(lease, since),
      storeToken: (sealed) => this.#store.setToken(lease, sealed),
    });
  }

  /**
   * Opens a replaced device: it reads from the beginning, and nothing of it is saved. Throws DeviceGone, and the error of
   * the server.
   *
   * @param options.byLogin whether devices have tokens of their own here. That of a replaced device is not kept.
   */
  async openReplaced(deviceId: string, lease: Lease, { byLogin }: { readonly byLogin: boolean }): Promise<OpenDevice> {
    const accessToken = byLogin ? await this.#signInAgain(deviceId) : undefined;
    const nothing = (): Promise<void> => Promise.resolve();
    const place = { deviceId, accessToken, since: undefined };
    return this.#open(place, lease, { saveSince: nothing, storeToken: nothing });
  }

  /** Seals a token of a device for the database. Throws MasterKeyError, DatabaseError. */
  async sealed(deviceId: string, token: string): Promise<string> {
    const key = await this.#surroundings.masterKey.storeKey(this.#userId, deviceId);
    return sealToken(key, this.#userId, deviceId, token);
  }

  async #signInAgain(deviceId: string): Promise<string> {
    const { client } = this.#surroundings;
    const device = { userId: this.#userId, deviceId };
    if (!(await deviceExists(client, device))) throw new DeviceGone(`the replaced device ${deviceId} is gone`);
    return this.sealed(deviceId, await loginDevice(client, device, deviceNameOf(this.#owner.displayName())));
  }

  async #open(place: DevicePlace, lease: Lease, saving: Saving): Promise<OpenDevice> {
    const session = await this.#surroundings.cryptoStore.open(lease, place.deviceId);
    try {
      const storeKey = await this.#surroundings.masterKey.storeKey(this.#userId, place.deviceId);
      const access = this.#access(place, storeKey, saving);
      return { session, access, device: await this.#openOn({ session, storeKey, access }, place, lease, saving) };
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  #access({ deviceId, accessToken }: DevicePlace, storeKey: Uint8Array, { storeToken }: Saving): DeviceAccess {
    const userId = this.#userId;
    return new DeviceAccess({
      client: this.#surroundings.client,
      device: { userId, deviceId },
      token: accessToken === undefined ? undefined : openToken(storeKey, userId, deviceId, accessToken),
      name: () => deviceNameOf(this.#owner.displayName()),
      store: (token) => storeToken(sealToken(storeKey, userId, deviceId, token)),
    });
  }

  async #openOn(
    { session, storeKey, access }: Pick<OpenDevice, "session" | "access"> & { readonly storeKey: Uint8Array },
    { deviceId, since }: DevicePlace,
    lease: Lease,
    { saveSince }: Saving,
  ): Promise<Device> {
    const { database, client, masterKey, mailbox, syncing, permissions, metrics, ...rest } = this.#surroundings;
    const userId = this.#userId;
    const backup = backupServerOf(client, userId);
    return Device.open({
      userId,
      deviceId,
      store: session,
      storeKey,
      transport: this.#transport(access),
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

  #transport(access: DeviceAccess): DeviceTransport {
    const { client, syncing, metrics } = this.#surroundings;
    const transport = deviceTransport(client, access, () => {
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

/** The places for what an open device brings. */
interface Saving {
  readonly saveSince: (since: string) => Promise<void>;
  /** Stores a sealed token. */
  readonly storeToken: (sealed: string) => Promise<void>;
}

/** Closes a device and its store. */
export async function closeDevice({ device, session }: Pick<OpenDevice, "device" | "session">): Promise<void> {
  await device.close();
  await session.close();
}
