import type { Device } from "../../crypto/device.ts";
import { IdentityElsewhere, IdentityRefused } from "../../crypto/identity.ts";
import { deleteByLogin, deleteDevice } from "../../homeserver/device-calls.ts";
import { DeviceGone, isHomeserverError, MatrixError } from "../../homeserver/errors.ts";
import { devices } from "../../homeserver/key-backup-calls.ts";
import type { Lease } from "../../leases/leases.ts";
import type { Logger } from "../../observability/log.ts";
import { cancelCutOff } from "./cut-off-verifications.ts";
import { deviceNameOf, isDeviceName } from "./device-name.ts";
import { closeDevice, DeviceOpener, type OpenDevice } from "./device-opener.ts";
import {
  afterSigning,
  deviceStateOf,
  outdated,
  type MadeDevice,
  type OrphanedDevice,
  type OutdatedDevice,
  type SecuredDevice,
  type SignedDevice,
  type Signing,
  type UnmadeDevice,
} from "./device-state.ts";
import { DeviceStore } from "./device-store.ts";
import type { DeviceOwner, DeviceSurroundings } from "./device-surroundings.ts";
import { forgetOldKeys } from "./forgetting.ts";
import { GhostVerifications } from "./ghost-verifications.ts";
import { mark, wentBack } from "./store-marker.ts";

/** The facts that a device's caller knows. */
interface DeviceOptions {
  /** Whether the user was just made, so that the server can have no keys of theirs. */
  readonly isNewUser: boolean;
}

/** A device that the server knows and that needs no replacement. */
type UsableDevice = MadeDevice | SignedDevice | SecuredDevice;

/**
 * Keeps a ghost's one device: makes it, has the ghost's identity sign it, backs its keys up on the server, and replaces
 * it when it can't be used any more. A device is disposable, its identity is not. device-state.ts has the states; every
 * step is recorded in the database before the next one begins.
 */
export class DeviceKeeper {
  readonly #userId: string;
  readonly #surroundings: DeviceSurroundings;
  readonly #owner: DeviceOwner;
  readonly #log: Logger;
  readonly #store: DeviceStore;
  readonly #opener: DeviceOpener;
  /** The {@link Device.writes} that the last marker of an open device covers. */
  readonly #marked = new WeakMap<Device, number>();

  constructor(userId: string, surroundings: DeviceSurroundings, owner: DeviceOwner, log: Logger) {
    this.#userId = userId;
    this.#surroundings = surroundings;
    this.#owner = owner;
    this.#log = log;
    this.#store = new DeviceStore(surroundings.database);
    this.#opener = new DeviceOpener(userId, surroundings, owner, log);
  }

  /**
   * Makes the device and has the ghost's identity sign it, so that people's clients find both. Nothing is read from the
   * server that this does not need: {@link open} does all the rest. Throws as that.
   */
  async publish(lease: Lease, { isNewUser }: DeviceOptions): Promise<void> {
    const usable = await this.#makeUsable(lease);
    const open = await this.#opener.open(usable, lease);
    try {
      await this.#signed(open.device, usable, lease, isNewUser);
      await this.mark(open.device, lease);
    } finally {
      await closeDevice(open);
    }
  }

  /**
   * Opens the device in its required state, and brings it up to date. The next call continues an interrupted one.
   * Throws the error of the server, the database or the store.
   */
  async open(lease: Lease, { isNewUser }: DeviceOptions): Promise<OpenDevice> {
    const usable = await this.#makeUsable(lease);
    const cutOff = await this.#ledger(lease).open();
    await this.#forgetOldKeys(usable.deviceId, lease);
    let open = await this.#opener.open(usable, lease);
    try {
      const signed = await this.#signed(open.device, usable, lease, isNewUser);
      await open.device.catchUp();
      if (signed.kind !== "orphaned" && signed.replaces !== undefined) {
        // Only after the new device is known: until then messages go to the old one.
        await closeDevice(open);
        await this.#emptyReplaced(signed.replaces, lease, signed.accessToken !== undefined);
        open = await this.#opener.open(await this.#store.ensure(this.#userId), lease);
      }
      // Before the old device is forgotten here: the server must not take the new one for the older of the two.
      await this.mark(open.device, lease);
      await this.#secureAndRestore(open.device, signed, lease);
      await cancelCutOff(cutOff, open.device, this.#ledger(lease), { evenUntold: true, log: this.#log });
      return open;
    } catch (error) {
      await closeDevice(open);
      throw error;
    }
  }

  /**
   * Writes the marker of an open device's store to the server, if the store has changed since; see store-marker.ts.
   * Throws HomeserverError, StaleLease, DatabaseError.
   */
  async mark(device: Device, lease: Lease): Promise<void> {
    const { writes } = device;
    if (this.#marked.get(device) === writes) return;
    await mark(this.#surroundings.client, this.#store, lease, {
      deviceId: device.deviceId,
      sealedIdentity: () => device.sealedIdentity(),
    });
    this.#marked.set(device, writes);
  }

  /**
   * Tells the users who are verifying the ghost that it failed, because the engine's memory is about to be lost. A user
   * who can't be told now is told when the device is next opened. Throws StaleLease, DatabaseError.
   */
  async abandonVerifications({ device }: Pick<OpenDevice, "device">, lease: Lease): Promise<void> {
    if (!device.isVerifying) return;
    const ledger = this.#ledger(lease);
    await cancelCutOff(await ledger.open(), device, ledger, { evenUntold: false, log: this.#log });
  }

  /** Takes the steps that need no open device, from any state in the database. */
  async #makeUsable(lease: Lease): Promise<UsableDevice> {
    // Read under the lease, so that a former owner can no longer change it.
    const record = await this.#store.ensure(this.#userId);
    let state = deviceStateOf(record);
    if (state.kind !== "to be replaced" && (await wentBack(this.#surroundings.client, this.#userId, record))) {
      this.#log.error("this ghost's keys in the database are older than those it has used; it gets a new device");
      state = outdated(record);
    }
    switch (state.kind) {
      case "to be replaced":
        return this.#make(await this.#replace(state, lease), lease);
      case "unmade":
        return this.#make(state, lease);
      case "made":
      case "signed":
      case "secured":
        return state;
    }
  }

  /** Backs up a device's identity where nothing else has it, and starts a new device in its place. */
  async #replace(device: OutdatedDevice, lease: Lease): Promise<UnmadeDevice> {
    if (device.hasOnlyIdentity) {
      const old = await this.#opener.open(device, lease);
      try {
        await old.device.secure();
        await this.#store.setSecured(lease);
      } finally {
        await closeDevice(old);
      }
    }
    await this.#store.replaceDevice(lease);
    this.#log.warn({ device: device.deviceId }, "this ghost gets a new device");
    // A request for another device that comes just now is for the next load.
    const begun = deviceStateOf({ ...(await this.#store.ensure(this.#userId)), renew: false });
    if (begun.kind !== "unmade") throw new Error(`the new device of ${this.#userId} was made by somebody else`);
    return begun;
  }

  async #make(device: UnmadeDevice, lease: Lease): Promise<MadeDevice> {
    const { deviceId } = device;
    const name = deviceNameOf(this.#owner.displayName());
    const token = await this.#surroundings.deviceMaker.make({ userId: this.#userId, deviceId }, name);
    const accessToken = token === undefined ? undefined : await this.#opener.sealed(deviceId, token);
    await this.#store.setDeviceMade(lease, accessToken);
    return { ...device, kind: "made", accessToken };
  }

  async #signed(
    device: Device,
    usable: UsableDevice,
    lease: Lease,
    isNewUser: boolean,
  ): Promise<SignedDevice | SecuredDevice | OrphanedDevice> {
    const signed =
      usable.kind === "made"
        ? afterSigning(usable, await this.#establishIdentity(device, { reset: usable.resetIdentity, isNewUser }, lease))
        : usable;
    await this.#store.setKeys(lease, device.fingerprint, await device.masterKey());
    return signed;
  }

  async #establishIdentity(
    device: Device,
    { reset, isNewUser }: { readonly reset: boolean; readonly isNewUser: boolean },
    lease: Lease,
  ): Promise<Signing> {
    try {
      if (reset) this.#log.warn("this ghost gets another identity, as requested");
      const { restored } = await device.establishIdentity({ reset, isNewUser });
      // The marker came with the secrets of a new identity.
      if (!restored) this.#marked.set(device, device.writes);
      await this.#store.setCrossSigned(lease, { restore: restored });
      await this.#owner.signed();
      return restored ? "restored identity" : "new identity";
    } catch (error) {
      if (error instanceof IdentityRefused) {
        if (await this.#store.setIdentityRefused(lease)) {
          this.#log.warn(
            { error },
            "the homeserver takes no identity of agents: clients show the device as not signed",
          );
        }
        return "identity refused";
      }
      if (!(error instanceof IdentityElsewhere)) throw error;
      // People see a warning and get no messages; a new identity made unasked would hurt them more.
      this.#log.error({ error }, "this ghost's device is not signed");
      return "identity elsewhere";
    }
  }

  /** Backs up the keys that were sent to the old device. A device that can't receive them any more is given up. */
  async #emptyReplaced(deviceId: string, lease: Lease, byLogin: boolean): Promise<void> {
    try {
      const old = await this.#opener.openReplaced(deviceId, lease, { byLogin });
      try {
        await old.device.receiveLast();
      } finally {
        await closeDevice(old);
      }
    } catch (error) {
      const isGone = error instanceof DeviceGone || (error instanceof MatrixError && !error.retryable);
      if (!isGone) throw error;
      this.#log.warn({ device: deviceId, error }, "the last messages to the old device are lost");
    }
  }

  /** Has a device's keys backed up on the server, reads the keys that are already there, and removes former devices. */
  async #secureAndRestore(
    device: Device,
    state: SignedDevice | SecuredDevice | OrphanedDevice,
    lease: Lease,
  ): Promise<void> {
    switch (state.kind) {
      case "orphaned":
        // A device without its identity may neither store nor get anything.
        return;
      case "signed":
        if (state.restore) await this.#secure(device, lease);
        else device.secureWithFirstKey(() => this.#store.setSecured(lease));
        break;
      case "secured":
        break;
    }
    if (!state.restore) return;
    await this.#restoreKeys(device);
    await this.#retireOthers(device, state, lease);
    await this.#store.setRestored(lease);
  }

  /** A ghost can work without it; the next load tries again. */
  async #secure(device: Device, lease: Lease): Promise<void> {
    try {
      await device.secure();
      await this.#store.setSecured(lease);
    } catch (error) {
      if (!isHomeserverError(error)) throw error;
      this.#log.warn({ error }, "this ghost's keys could not be backed up on the server yet");
    }
  }

  /** A permanent refusal of the server must not silence the ghost. */
  async #restoreKeys(device: Device): Promise<void> {
    await device.restoreKeys().catch((error: unknown) => {
      if (!(error instanceof MatrixError) || error.retryable) throw error;
      this.#log.error({ error }, "the room keys of the backup could not be read");
    });
  }

  /** Deletes the devices that this one replaces, from the server and from the database. */
  async #retireOthers(
    device: Device,
    { replaces: replaced, accessToken }: SignedDevice | SecuredDevice,
    lease: Lease,
  ): Promise<void> {
    const { client, cryptoStore } = this.#surroundings;
    const actor = { userId: this.#userId };
    const remove = accessToken === undefined ? deleteDevice : deleteByLogin;
    for (const { deviceId, displayName } of await devices(client, actor)) {
      if (deviceId === device.deviceId || !isDeviceName(displayName)) continue;
      await remove(client, { ...actor, deviceId });
      this.#log.info({ device: deviceId }, "a replaced device is deleted");
    }
    if (replaced === undefined) return;
    await cryptoStore.destroy(this.#userId, replaced);
    await this.#store.replaced(lease);
  }

  /** The next load forgets the rest. */
  async #forgetOldKeys(deviceId: string, lease: Lease): Promise<void> {
    const { database, client, cryptoStore, forgetKeysAfterMs: afterMs } = this.#surroundings;
    if (afterMs === undefined) return;
    await forgetOldKeys({ database, client, cryptoStore, lease, deviceId, afterMs }).catch((error: unknown) => {
      if (!isHomeserverError(error)) throw error;
      this.#log.warn({ error }, "old room keys could not be deleted from the backup yet");
    });
  }

  #ledger(lease: Lease): GhostVerifications {
    return new GhostVerifications(this.#surroundings.database, lease, this.#owner.verified);
  }
}
