import { setTimeout as sleep } from "node:timers/promises";
import { Device } from "../../crypto/device.ts";
import { IdentityElsewhere } from "../../crypto/identity.ts";
import { SecretStorage } from "../../crypto/secret-storage.ts";
import type { StoreSession } from "../../crypto/store/crypto-store.ts";
import { deleteDevice, putDevice } from "../../homeserver/device-calls.ts";
import { isHomeserverError, MatrixError } from "../../homeserver/errors.ts";
import { devices } from "../../homeserver/key-backup-calls.ts";
import type { Lease } from "../../leases/leases.ts";
import type { Logger } from "../../observability/log.ts";
import { accountDataOf, backupServerOf } from "./custody.ts";
import { deviceNameOf, isDeviceName } from "./device-name.ts";
import { deviceTransport } from "./device-transport.ts";
import { encryptionTarget } from "../encryption-target.ts";
import { forgetOldKeys } from "./forgetting.ts";
import type { GhostServices } from "../ghost-services.ts";
import type { GhostRecord } from "../ghost-store.ts";
import { mark, wentBack } from "./store-marker.ts";
import { GhostVerifications, type OpenFlow, type VerificationEnded } from "./ghost-verifications.ts";
import { ToDeviceGate } from "./to-device-gate.ts";
import { StoredToDeviceAttempts } from "./to-device-attempts.ts";

/** How the device stands to the ghost's identity; with `elsewhere`, nobody here has its secrets. */
type IdentityState = "known" | "made" | "restored" | "elsewhere";

/** A device as the database has it. */
interface StoredDevice extends Pick<GhostRecord, "deviceId" | "since"> {
  /** By default the place in /sync is the ghost's. */
  readonly saveSince?: () => Promise<void>;
}

/** A device that is open, on its store. */
export interface OpenDevice {
  readonly device: Device;
  readonly session: StoreSession;
}

/**
 * Keeps a ghost's one device: makes it, has it signed by the ghost's identity, puts its keys into safety on the server,
 * and makes another one in its place when it can't be used any more. A device is disposable, its identity is not.
 */
export class DeviceKeeper {
  readonly #userId: string;
  readonly #services: GhostServices;
  readonly #log: Logger;
  readonly #wake: () => void;
  readonly #verified: VerificationEnded;
  readonly #gate: ToDeviceGate;

  /**
   * @param wake called when keys have come that mail was waiting for.
   * @param verified called when a verification has ended.
   */
  constructor(
    userId: string,
    services: GhostServices,
    log: Logger,
    { wake, verified }: { readonly wake: () => void; readonly verified: VerificationEnded },
  ) {
    this.#userId = userId;
    this.#services = services;
    this.#log = log;
    this.#wake = wake;
    this.#verified = verified;
    this.#gate = new ToDeviceGate(userId, services, log);
  }

  /**
   * Opens the device as it is to be, and brings it up to date. What was interrupted is gone on with the next time. Throws
   * what the server, the database or the store throw.
   */
  async open(lease: Lease): Promise<OpenDevice> {
    const { client, store } = this.#services;
    // Read under the lease: a former owner changes nothing of it any more.
    let record = await store.ensure(this.#userId);
    if (!record.renew && (await wentBack(client, this.#userId, record))) {
      this.#log.error("this ghost's keys in the database are older than those it has used; it gets a new device");
      record = { ...record, renew: true };
    }
    if (record.renew) record = await this.#renew(record, lease);
    if (!record.deviceMade) {
      const name = deviceNameOf(this.#services.profileOf(this.#userId)?.displayName);
      await putDevice(client, { userId: this.#userId, deviceId: record.deviceId }, name);
      await store.setDeviceMade(lease);
    }
    const lost = await this.#ledger(lease).open();
    await this.#forget(record, lease);
    let open = await this.#openStored(record, lease);
    try {
      await open.device.catchUp();
      const identity = record.crossSigned ? "known" : await this.#establishIdentity(open.device, record, lease);
      await store.setKeys(lease, open.device.fingerprint, await open.device.masterKey());
      if (record.replaces !== undefined && identity !== "elsewhere") {
        // Not before the new device is known: what is said until then is said to the old one.
        await close(open);
        await this.#emptyOld(record.replaces, lease);
        open = await this.#openStored(await store.ensure(this.#userId), lease);
      }
      // Before the old device is forgotten here: the server must not take this one for the former of the two.
      await mark(client, store, lease, open.device.deviceId);
      await this.#takeCustody(open.device, identity, record, lease);
      await this.#cancel(lost, open.device, lease, { evenUntold: true });
      return open;
    } catch (error) {
      await close(open);
      throw error;
    }
  }

  /**
   * Tells those who verify the ghost that it comes to nothing: what is under way is lost with the engine's memory. Who can't
   * be told now is told when the device is opened next. Throws StaleLease, DatabaseError.
   */
  async abandonVerifications({ device }: Pick<OpenDevice, "device">, lease: Lease): Promise<void> {
    if (device.isVerifying) await this.#cancel(await this.#ledger(lease).open(), device, lease, { evenUntold: false });
  }

  async #cancel(
    flows: readonly OpenFlow[],
    device: Device,
    lease: Lease,
    { evenUntold }: { readonly evenUntold: boolean },
  ): Promise<void> {
    const ledger = this.#ledger(lease);
    await Promise.all(
      flows.map(async ({ form, ...flow }) => {
        const isTold = await inTime(device.cancelVerification(flow, form)).then(
          () => true,
          (error: unknown) => {
            this.#log.warn(
              { user: flow.userId, flow: flow.flowId, error },
              "nobody was told that a verification is cut off",
            );
            return false;
          },
        );
        if (isTold || evenUntold) await ledger.lost(flow);
      }),
    );
  }

  /** What can't be forgotten now is forgotten the next time. */
  async #forget({ deviceId }: GhostRecord, lease: Lease): Promise<void> {
    const { database, client, cryptoStore, forgetKeysAfterMs: afterMs } = this.#services;
    if (afterMs === undefined) return;
    await forgetOldKeys({ database, client, cryptoStore, lease, deviceId, afterMs }).catch((error: unknown) => {
      if (!isHomeserverError(error)) throw error;
      this.#log.warn({ error }, "old room keys could not be forgotten in the backup yet");
    });
  }

  /** The keys that were sent to the old device go into the backup. One that can't take them any more is let go. */
  async #emptyOld(deviceId: string, lease: Lease): Promise<void> {
    const record = { deviceId, since: undefined, saveSince: () => Promise.resolve() };
    const old = await this.#openStored(record, lease);
    try {
      await old.device.receiveLast();
    } catch (error) {
      if (!(error instanceof MatrixError) || error.retryable) throw error;
      this.#log.warn({ device: deviceId, error }, "what was sent to the old device last is lost");
    } finally {
      await close(old);
    }
  }

  async #openStored(record: StoredDevice, lease: Lease): Promise<OpenDevice> {
    const session = await this.#services.cryptoStore.open(lease, record.deviceId);
    try {
      return { session, device: await this.#openDevice(record, session, lease) };
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** The record of a new device in place of the one there is, whose identity is brought to safety before. */
  async #renew(record: GhostRecord, lease: Lease): Promise<GhostRecord> {
    const { store } = this.#services;
    if (!record.secured && record.crossSigned) {
      const old = await this.#openStored(record, lease);
      try {
        await old.device.secure();
        await store.setSecured(lease);
      } finally {
        await close(old);
      }
    }
    await store.replaceDevice(lease);
    this.#log.warn({ device: record.deviceId }, "this ghost gets a new device");
    return store.ensure(this.#userId);
  }

  /** What a device needs once: to be signed, to have its keys kept on the server, and those that are there already. */
  async #takeCustody(device: Device, identity: IdentityState, record: GhostRecord, lease: Lease): Promise<void> {
    const { store } = this.#services;
    // Without its identity a device may not be the one that is to keep or get anything.
    if (identity === "elsewhere") return;
    if (identity === "made" || !record.secured) await this.#secure(device, lease);
    if (identity !== "restored" && !record.restore) return;
    await this.#restoreKeys(device);
    await this.#retireOthers(device, record, lease);
    await store.setRestored(lease);
  }

  /** The devices that this one takes the place of go, from the server and from the database. */
  async #retireOthers(device: Device, { replaces }: Pick<GhostRecord, "replaces">, lease: Lease): Promise<void> {
    const { store, client, cryptoStore } = this.#services;
    const actor = { userId: this.#userId };
    for (const { deviceId, displayName } of await devices(client, actor)) {
      if (deviceId === device.deviceId || !isDeviceName(displayName)) continue;
      await deleteDevice(client, { ...actor, deviceId });
      this.#log.info({ device: deviceId }, "a device that was replaced is deleted");
    }
    if (replaces === undefined) return;
    await cryptoStore.destroy(this.#userId, replaces);
    await store.replaced(lease);
  }

  /** What the server will never give must not silence the ghost. */
  async #restoreKeys(device: Device): Promise<void> {
    await device.restoreKeys().catch((error: unknown) => {
      if (!(error instanceof MatrixError) || error.retryable) throw error;
      this.#log.error({ error }, "the room keys of the backup could not be read");
    });
  }

  /** A ghost can talk without it; then it is tried again when it is loaded next. */
  async #secure(device: Device, lease: Lease): Promise<void> {
    try {
      await device.secure();
      await this.#services.store.setSecured(lease);
    } catch (error) {
      if (!isHomeserverError(error)) throw error;
      this.#log.warn({ error }, "this ghost's keys could not be put into safety on the server yet");
    }
  }

  async #openDevice(record: StoredDevice, session: StoreSession, lease: Lease): Promise<Device> {
    const { database, store, masterKey, mailbox, syncing, metrics } = this.#services;
    const actor = { userId: this.#userId, deviceId: record.deviceId };
    const transport = deviceTransport(this.#services.client, actor, () => {
      metrics?.toDeviceRefused.inc({ why: "too_large" });
      this.#log.error("a /sync was too large to be read, and what was sent to this device with it is lost");
    });
    const backup = backupServerOf(this.#services.client, this.#userId);
    return Device.open({
      ...actor,
      store: session,
      storeKey: await masterKey.storeKey(this.#userId, record.deviceId),
      transport: {
        ...transport,
        sync: async (since) => {
          const answer = await syncing.run(() => transport.sync(since));
          const agent = metrics?.agent(this.#userId) ?? "";
          metrics?.oneTimeKeys.set({ agent }, answer.keyCounts["signed_curve25519"] ?? 0);
          return answer;
        },
      },
      backup: { ...backup, put: (version, body) => syncing.run(() => backup.put(version, body)) },
      storage: new SecretStorage(
        accountDataOf(this.#services.client, this.#userId),
        await masterKey.recoveryKey(this.#userId),
      ),
      verification: {
        mode: this.#services.verification,
        ledger: this.#ledger(lease),
        isAllowed: ({ userId, roomId }) =>
          this.#services.permissions.decide({ act: "verification", userId, ghost: this.#userId, roomId }).allowed,
        targetIn: (roomId, options) => encryptionTarget(this.#services, this.#userId, roomId, options),
      },
      trusted: (roomId) => this.#services.trustIn(this.#userId, roomId).read,
      inbox: {
        since: record.since,
        admit: (messages) => this.#gate.admit(messages),
        onRefused: (count) => metrics?.toDeviceRefused.inc({ why: "malformed" }, count),
        attempts: new StoredToDeviceAttempts(database, lease, this.#log),
        saveSince: record.saveSince ?? ((since) => store.saveSince(lease, since)),
        onRoomKeys: async (sessionIds) => {
          if ((await mailbox.keysArrived(lease, sessionIds)) > 0) this.#wake();
        },
      },
      log: this.#log,
    });
  }

  #ledger(lease: Lease): GhostVerifications {
    return new GhostVerifications(this.#services.database, lease, this.#verified);
  }

  async #establishIdentity(device: Device, { resetIdentity }: GhostRecord, lease: Lease): Promise<IdentityState> {
    try {
      if (resetIdentity) this.#log.warn("this ghost gets another identity, as somebody asked for");
      const { restored } = await device.establishIdentity({ reset: resetIdentity });
      await this.#services.store.setCrossSigned(lease, { restore: restored });
      await this.#services.trustNotices.forget(this.#userId);
      return restored ? "restored" : "made";
    } catch (error) {
      if (!(error instanceof IdentityElsewhere)) throw error;
      // People see a warning, and get nothing from it; making a new identity by itself would hurt them more.
      this.#log.error({ error }, "this ghost's device is not signed");
      return "elsewhere";
    }
  }
}

/** Neither a start nor a stop waits long for a server that is away. */
const TELLING_MS = 5_000;

/** Rejects when the work takes too long; what comes of it later is of no use to anybody. */
async function inTime(work: Promise<void>): Promise<void> {
  const late = new AbortController();
  const limit = sleep(TELLING_MS, undefined, { signal: late.signal }).then(() => {
    throw new Error(`it took more than ${TELLING_MS} ms`);
  });
  await Promise.race([work, limit]).finally(() => late.abort());
}

async function close({ device, session }: OpenDevice): Promise<void> {
  await device.close();
  await session.close();
}
