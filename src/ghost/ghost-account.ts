import { Device } from "../crypto/device.ts";
import { IdentityElsewhere } from "../crypto/identity.ts";
import type { StoreSession } from "../crypto/store/crypto-store.ts";
import type { Logger } from "../observability/log.ts";
import { getAccountData, putAccountData, register } from "../homeserver/calls.ts";
import { putDevice } from "../homeserver/device-calls.ts";
import { joinedRooms } from "../homeserver/room-calls.ts";
import { deviceTransport } from "./device-transport.ts";
import type { GhostServices } from "./ghost-services.ts";
import type { GhostRecord } from "./ghost-store.ts";
import { setProfile } from "./profile.ts";

/**
 * A ghost's account on the server: its user, its profile, its one device. Each is made when first needed, in steps that
 * a crash or a failing call may interrupt anywhere: what is not noted as done is done again, with the same ids.
 */
export class GhostAccount {
  readonly #userId: string;
  readonly #services: GhostServices;
  readonly #log: Logger;
  readonly #keysArrived: () => void;
  #announced: Promise<void> | undefined;
  #opened: Promise<{ device: Device; session: StoreSession }> | undefined;

  /** @param keysArrived called when mail that waited for a key is ready again. */
  constructor(userId: string, services: GhostServices, log: Logger, keysArrived: () => void) {
    this.#userId = userId;
    this.#services = services;
    this.#log = log;
    this.#keysArrived = keysArrived;
  }

  /** The user exists and looks as configured when this resolves. Throws HomeserverError or DatabaseError. */
  announce(): Promise<void> {
    this.#announced ??= this.#announce().catch((error: unknown) => {
      this.#announced = undefined;
      throw error;
    });
    return this.#announced;
  }

  /**
   * The ghost's device, open and up to date; made, with its cross-signing identity, when it is the first time. Throws
   * what the server, the database or the store throw; a later call tries again.
   */
  async device(): Promise<Device> {
    this.#opened ??= this.#open().catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return (await this.#opened).device;
  }

  /** Adds a DM to the ghost's `m.direct` account data, which outlives our database. */
  async addDirectRoom(person: string, roomId: string): Promise<void> {
    const actor = { userId: this.#userId };
    const direct = { ...(await getAccountData(this.#services.client, actor, "m.direct")) };
    const rooms = Array.isArray(direct[person]) ? (direct[person] as unknown[]) : [];
    if (rooms.includes(roomId)) return;
    await putAccountData(this.#services.client, actor, "m.direct", { ...direct, [person]: [...rooms, roomId] });
  }

  /** Closes the device and puts its store away. */
  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    if (opened === undefined) return;
    const open = await opened.catch(() => undefined);
    if (open !== undefined) await putAway(open);
  }

  async #announce(): Promise<void> {
    const { client, store, profileOf } = this.#services;
    const record = await store.ensure(this.#userId);
    await register(client, localpartOf(this.#userId));
    const profile = profileOf(this.#userId);
    if (profile === undefined) return;
    const fingerprint = await setProfile(client, this.#userId, profile, record.profile);
    if (fingerprint !== record.profile) await store.setProfile(this.#userId, fingerprint);
  }

  async #open(): Promise<{ device: Device; session: StoreSession }> {
    const { client, store, cryptoStore } = this.#services;
    await this.announce();
    const record = await store.ensure(this.#userId);
    if (!record.deviceMade) {
      await putDevice(client, { userId: this.#userId, deviceId: record.deviceId }, "matrix-appservice-agents");
      await store.setDeviceMade(this.#userId);
    }
    const session = await cryptoStore.open(this.#userId, record.deviceId);
    let device: Device;
    try {
      device = await this.#openDevice(record, session);
    } catch (error) {
      await session.close();
      throw error;
    }
    const open = { device, session };
    try {
      await device.catchUp();
      if (!record.crossSigned) await this.#establishIdentity(device);
      await this.#reconcileRooms();
    } catch (error) {
      await putAway(open);
      throw error;
    }
    session.failed.addEventListener("abort", () => {
      this.#evict(open);
    });
    if (session.failed.aborted) this.#evict(open);
    return open;
  }

  #openDevice(record: GhostRecord, session: StoreSession): Promise<Device> {
    const { store, masterKey, mailbox } = this.#services;
    const actor = { userId: this.#userId, deviceId: record.deviceId };
    return Device.open({
      ...actor,
      store: session,
      storeKey: masterKey.storeKey(this.#userId, record.deviceId),
      transport: deviceTransport(this.#services.client, actor),
      since: record.since,
      saveSince: (since) => store.saveSince(this.#userId, since),
      onRoomKeys: async (sessionIds) => {
        if ((await mailbox.keysArrived(this.#userId, sessionIds)) > 0) this.#keysArrived();
      },
      log: this.#log,
    });
  }

  async #establishIdentity(device: Device): Promise<void> {
    try {
      await device.establishIdentity();
      await this.#services.store.setCrossSigned(this.#userId);
    } catch (error) {
      if (!(error instanceof IdentityElsewhere)) throw error;
      // The ghost can still talk, but people see a warning; making a new identity by itself would hurt them more.
      this.#log.error({ error }, "this ghost's device is not signed");
    }
  }

  async #reconcileRooms(): Promise<void> {
    const actor = { userId: this.#userId };
    const joined = await joinedRooms(this.#services.client, actor);
    const direct = Object.values((await getAccountData(this.#services.client, actor, "m.direct")) ?? {});
    const directRooms = new Set(direct.flat().filter((room) => typeof room === "string"));
    await this.#services.store.reconcile(this.#userId, joined, directRooms);
  }

  /** A store that could not be written is never gone on with: it is loaded again from the database at the next need. */
  #evict(open: { device: Device; session: StoreSession }): void {
    this.#opened = undefined;
    putAway(open)
      .then(() => {
        this.#log.warn("the device was put away after a failed write and is loaded again");
        this.#keysArrived();
      })
      .catch((error: unknown) => this.#log.error({ error }, "the device could not be put away"));
  }
}

async function putAway({ device, session }: { device: Device; session: StoreSession }): Promise<void> {
  await device.close();
  await session.close();
}

function localpartOf(userId: string): string {
  return userId.slice(1, userId.indexOf(":"));
}
