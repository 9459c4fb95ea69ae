import { acquireLease, releaseLease, type Lease } from "../leases/leases.ts";
import type { Logger } from "../observability/log.ts";
import { getAccountData, register } from "../homeserver/calls.ts";
import { joinedRooms } from "../homeserver/room-calls.ts";
import type { LoadedGhost } from "./loaded-ghost.ts";
import { withoutDevice } from "./device/device-access.ts";
import { DeviceKeeper } from "./device/device-keeper.ts";
import { DevicesRefused } from "./device/device-maker.ts";
import { closeDevice, type OpenDevice } from "./device/device-opener.ts";
import { DeviceStore } from "./device/device-store.ts";
import type { DeviceOwner, DeviceSurroundings } from "./device/device-surroundings.ts";
import type { VerificationEnded } from "./device/ghost-verifications.ts";
import { encryptionTarget } from "./encryption-target.ts";
import type { GhostServices } from "./ghost-services.ts";
import { renameDevice } from "./device/device-name.ts";
import { refuseForeignAccount } from "./foreign-account.ts";
import { setProfile } from "./profile.ts";

/** The services that an account and its device need, of those that all ghosts share. */
type AccountServices = DeviceSurroundings &
  Pick<
    GhostServices,
    | "knownMembers"
    | "loaded"
    | "loading"
    | "loadedAtOnce"
    | "memberships"
    | "mode"
    | "process"
    | "profileOf"
    | "rooms"
    | "store"
    | "trustIn"
    | "trustNotices"
    | "verification"
  >;

/** Everything that loading makes and unloading ends. */
interface Parts extends LoadedGhost {
  readonly open: OpenDevice | undefined;
  /** Frees its place. */
  readonly leave: () => void;
}

/**
 * A ghost's account on the server: its user, its profile, its one device. Each is made when first needed, in steps that
 * a crash or a failing call may interrupt anywhere: a step that is not recorded as done is repeated with the same ids.
 *
 * ```
 * away ──▶ loaded ──▶ leaving ──▶ away
 * ```
 */
export class GhostAccount {
  readonly #userId: string;
  readonly #services: AccountServices;
  readonly #log: Logger;
  readonly #wake: () => void;
  readonly #devices: DeviceStore;
  readonly #keeper: DeviceKeeper;
  #announced: Promise<void> | undefined;
  #reconciled = false;
  #isMadeHere = false;
  /** Whether this process made the user and none of its keys: then the server has nothing of it to ask for. */
  #isNew = false;
  #lease: Lease | undefined;
  #loadedAt = 0;
  #state: AccountState = { kind: "away" };

  /**
   * @param on.wake called when there is work: mail whose key has come, or a device that had to be closed.
   * @param on.verified called when a verification has ended.
   * @param on.heard takes to-device messages that are not the engine's.
   */
  constructor(
    userId: string,
    services: AccountServices,
    log: Logger,
    {
      wake,
      verified,
      heard,
    }: {
      readonly wake: () => void;
      readonly verified: VerificationEnded;
      readonly heard: DeviceOwner["heard"];
    },
  ) {
    this.#userId = userId;
    this.#services = services;
    this.#log = log;
    this.#wake = wake;
    this.#devices = new DeviceStore(services.database);
    const owner = {
      displayName: () => services.profileOf(userId)?.displayName,
      targetIn: async (roomId: string, options: { readonly toAll: boolean }) =>
        (await encryptionTarget(services, userId, roomId, options))?.target,
      heard,
      wake,
      verified,
      signed: () => services.trustNotices.forget(userId),
    };
    this.#keeper = new DeviceKeeper(userId, services, owner, log);
  }

  /**
   * When this resolves, the user exists and has the configured profile. Throws HomeserverError, DatabaseError, or
   * ForeignAccount where it is somebody's account.
   *
   * @param options.anew whether the configured profile may have changed.
   */
  announce({ anew = false }: { readonly anew?: boolean } = {}): Promise<void> {
    if (anew) this.#announced = undefined;
    this.#announced ??= this.#announce().catch((error: unknown) => {
      this.#announced = undefined;
      throw error;
    });
    return this.#announced;
  }

  /**
   * Loads the ghost: takes its lease, opens its device and brings it up to date. The first time it makes the device,
   * with its cross-signing identity. Where agents do not encrypt, or the homeserver gives them no devices, the ghost has
   * none. Throws LeaseHeld when another process has the ghost, and the error of the server,
   * the database or the store; a later call tries again.
   */
  async load(): Promise<LoadedGhost> {
    while (this.#state.kind === "leaving") await this.#state.done;
    if (this.#state.kind === "away") {
      const parts = this.#load();
      this.#state = { kind: "loaded", parts };
      parts.catch(() => {
        if (this.#state.kind === "loaded" && this.#state.parts === parts) this.#state = { kind: "away" };
      });
    }
    return this.#state.parts;
  }

  /**
   * Makes the ghost's device and identity, so that a client finds them before it makes a room. The ghost is not loaded by
   * this, and is loaded only afterwards. Throws as {@link load}.
   */
  async publish(): Promise<void> {
    while (this.#state.kind === "leaving") await this.#state.done;
    if (this.#state.kind === "loaded") {
      // Loading publishes.
      await this.#state.parts;
      return;
    }
    const published = this.#publish();
    const done = published
      .catch(() => undefined)
      .finally(() => {
        this.#state = { kind: "away" };
      });
    this.#state = { kind: "leaving", done };
    await published;
  }

  /** Whether this process made the ghost's user, of which the server had nothing before. */
  get isMadeHere(): boolean {
    return this.#isMadeHere;
  }

  /** Whether the ghost is loaded, or being loaded. */
  get isLoaded(): boolean {
    return this.#state.kind === "loaded";
  }

  /** The time since the ghost was loaded, in ms; 0 while it is not. */
  get loadedMs(): number {
    return this.#state.kind === "loaded" && this.#lease !== undefined ? performance.now() - this.#loadedAt : 0;
  }

  /** The lease of the loaded ghost; undefined while it is not loaded yet. */
  get lease(): Lease | undefined {
    return this.#state.kind === "loaded" ? this.#lease : undefined;
  }

  /** Closes the device and its store, and releases the lease. */
  putAway(): Promise<void> {
    switch (this.#state.kind) {
      case "away":
        return Promise.resolve();
      case "leaving":
        return this.#state.done;
      case "loaded": {
        const done = this.#state.parts
          .then(
            (parts) => this.#unload(parts),
            () => undefined,
          )
          .finally(() => {
            this.#state = { kind: "away" };
          });
        this.#state = { kind: "leaving", done };
        return done;
      }
    }
  }

  /**
   * Records the rooms that the ghost is in and that no event has announced. Returns their number. Throws
   * HomeserverError, DatabaseError.
   */
  async reconcileRooms(signal?: AbortSignal): Promise<number> {
    const { client, memberships } = this.#services;
    const actor = { userId: this.#userId };
    const options = { signal };
    const known = new Set(await memberships.joinedRooms(this.#userId));
    const missing = (await joinedRooms(client, actor, options)).filter((roomId) => !known.has(roomId));
    if (missing.length > 0) {
      const direct = Object.values((await getAccountData(client, actor, "m.direct", options)) ?? {});
      const directRooms = new Set(direct.flat().filter((room) => typeof room === "string"));
      await memberships.reconcile(this.#userId, missing, directRooms);
      this.#log.info({ rooms: missing.length }, "the ghost is in rooms that no event had announced");
      this.#wake();
    }
    this.#reconciled = true;
    return missing.length;
  }

  /**
   * Writes the store's marker to the server, if the store has changed since; see store-marker.ts. Throws
   * HomeserverError.
   */
  async mark(): Promise<void> {
    if (this.#state.kind !== "loaded") return;
    const { device, lease } = await this.#state.parts;
    if (device !== undefined) await this.#keeper.mark(device, lease);
  }

  async #announce(): Promise<void> {
    const { client, store, profileOf } = this.#services;
    const record = await this.#devices.ensure(this.#userId);
    const known = await store.profile(this.#userId);
    // A user with a profile of ours already exists.
    if (known === undefined) {
      if ((await register(client, localpartOf(this.#userId))) === "made") {
        this.#isMadeHere = true;
        this.#isNew = true;
        this.#reconciled = true;
      } else {
        const ours = new Set([record.deviceId, ...(record.replaces === undefined ? [] : [record.replaces])]);
        await refuseForeignAccount(client, this.#userId, ours);
      }
    }
    const profile = profileOf(this.#userId);
    if (profile === undefined) return;
    const fingerprint = await setProfile(client, this.#userId, profile, known, this.#log);
    if (fingerprint === known) return;
    if (record.deviceMade) {
      await renameDevice(client, { userId: this.#userId, deviceId: record.deviceId }, profile, this.#log);
    }
    await store.setProfile(this.#userId, fingerprint);
  }

  async #load(): Promise<Parts> {
    const leave = await this.#services.loadedAtOnce.acquire();
    try {
      return await this.#underLease(async (lease) => {
        try {
          return await this.#loadUnder(lease, leave);
        } catch (error) {
          await this.#release(lease);
          throw error;
        }
      });
    } catch (error) {
      leave();
      throw error;
    }
  }

  async #publish(): Promise<void> {
    const leave = await this.#services.loadedAtOnce.acquire();
    try {
      await this.#underLease(async (lease) => {
        try {
          await unlessRefused(this.#keeper.publish(lease, { isNewUser: this.#takeNew() }));
        } finally {
          await this.#release(lease);
        }
      });
    } finally {
      leave();
    }
  }

  /** Announces the ghost, takes its lease, and begins something under it, of few ghosts at once. */
  #underLease<T>(work: (lease: Lease) => Promise<T>): Promise<T> {
    const { database, loading, process } = this.#services;
    return loading.run(async () => {
      await this.announce();
      return work(await acquireLease(database, this.#userId, process));
    });
  }

  /** An attempt that fails has perhaps put keys on the server, for which the next one has to ask. */
  #takeNew(): boolean {
    const isNew = this.#isNew;
    this.#isNew = false;
    return isNew;
  }

  async #loadUnder(lease: Lease, leave: () => void): Promise<Parts> {
    const open = await this.#openDevice(lease);
    try {
      if (!this.#reconciled) await this.reconcileRooms();
    } catch (error) {
      if (open !== undefined) await closeDevice(open);
      throw error;
    }
    const access = open?.access ?? withoutDevice(this.#userId);
    const parts = { open, device: open?.device, access, lease, leave };
    this.#lease = lease;
    this.#loadedAt = performance.now();
    open?.session.failed.addEventListener("abort", () => {
      this.#failed();
    });
    if (open?.session.failed.aborted === true) this.#failed();
    this.#services.loaded(this.#userId);
    return parts;
  }

  async #openDevice(lease: Lease): Promise<OpenDevice | undefined> {
    if (this.#services.mode === "off") return undefined;
    return unlessRefused(this.#keeper.open(lease, { isNewUser: this.#takeNew() }));
  }

  /** A store whose write failed is never used again: the next use loads it from the database. */
  #failed(): void {
    this.#log.warn("the device is unloaded after a failed write and loaded again");
    this.putAway().then(this.#wake, (error: unknown) => this.#log.error({ error }, "the device could not be unloaded"));
  }

  async #unload(parts: Parts): Promise<void> {
    this.#lease = undefined;
    const { open, lease } = parts;
    if (open?.session.failed.aborted === false) {
      await this.#keeper
        .abandonVerifications(open, lease)
        .catch((error: unknown) =>
          this.#log.warn({ error }, "users were not told that their verifications were interrupted"),
        );
    }
    try {
      if (open !== undefined) await closeDevice(open);
    } finally {
      await this.#release(parts.lease);
      parts.leave();
    }
  }

  /** A lease that can't be released now expires, or this process takes it again. */
  async #release(lease: Lease): Promise<void> {
    await releaseLease(this.#services.database, lease).catch((error: unknown) =>
      this.#log.warn({ error }, "the lease could not be released"),
    );
  }
}

type AccountState =
  | { readonly kind: "away" }
  | { readonly kind: "loaded"; readonly parts: Promise<Parts> }
  /** Also while the device of a ghost that is away is published. */
  | { readonly kind: "leaving"; readonly done: Promise<void> };

/** Undefined where the homeserver gives no devices, which its maker has logged. */
async function unlessRefused<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof DevicesRefused) return undefined;
    throw error;
  }
}

function localpartOf(userId: string): string {
  return userId.slice(1, userId.indexOf(":"));
}
