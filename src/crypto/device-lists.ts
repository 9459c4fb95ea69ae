import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import type { Serial } from "../concurrency/serial.ts";
import type { TrustLevel } from "../config/config.ts";
import type { Distrust } from "../permissions/trust.ts";
import { isUserId, userIds as engineIds } from "./engine-ids.ts";
import type { Outgoing } from "./outgoing.ts";

/** Why nobody at a user's devices reads what is said to them. */
export interface Obstacle {
  readonly why: Extract<Distrust, "unsigned_device" | "identity_changed" | "unverified_identity">;
  /** How many devices there are. */
  readonly devices: number;
}

/** Somebody who writes from devices that are not trusted is not asked about with every message, in ms. */
const REFRESH_AGAIN_MS = 30_000;

/** What a device knows of users' devices and identities, and how it learns them. */
export class DeviceLists {
  readonly #machine: engine.OlmMachine;
  readonly #calls: Serial;
  readonly #outgoing: Pick<Outgoing, "drain" | "send">;
  /** When the server was last asked about a user, by the process's clock, in ms. */
  readonly #refreshed = new Map<string, number>();

  constructor(machine: engine.OlmMachine, calls: Serial, outgoing: Pick<Outgoing, "drain" | "send">) {
    this.#machine = machine;
    this.#calls = calls;
    this.#outgoing = outgoing;
  }

  /** Begins to follow the users' device lists, so that the next message reaches all of their devices. */
  async track(userIds: readonly string[]): Promise<void> {
    await this.#calls.run(() => this.#machine.updateTrackedUsers(engineIds(userIds)));
    await this.#outgoing.drain();
  }

  /**
   * Learns the devices of users of whom the server may not have told what changed, and follows them from now on. Returns
   * those whose devices are known as they are now; those on servers that are away are not. Throws HomeserverError.
   */
  async meet(userIds: readonly string[]): Promise<readonly string[]> {
    const tracked = await this.#calls.run(() => this.#machine.trackedUsers());
    const followed = new Set([...tracked].map((userId) => userId.toString()));
    // The engine asks by itself for those that it does not follow yet, until it is answered.
    await this.track(userIds);
    const silent = await this.#query(userIds.filter((userId) => followed.has(userId)));
    return userIds.filter((userId) => !silent.has(userId.slice(userId.indexOf(":") + 1)));
  }

  /**
   * Asks the server for users' devices and identities as they are now, but for those of whom that was done a moment ago.
   * Throws HomeserverError.
   */
  async refresh(userIds: readonly string[]): Promise<void> {
    await this.track(userIds);
    const now = performance.now();
    for (const [userId, at] of this.#refreshed) if (now - at >= REFRESH_AGAIN_MS) this.#refreshed.delete(userId);
    await this.#query(userIds.filter((userId) => now - (this.#refreshed.get(userId) ?? -Infinity) >= REFRESH_AGAIN_MS));
  }

  /**
   * What keeps a user's devices from being trusted: why none of them reaches a level, and how many there are. Undefined when
   * one does. By what is known now: see {@link meet}.
   */
  async obstacleTo(userId: string, level: TrustLevel): Promise<Obstacle | undefined> {
    if (level === "unverified") return undefined;
    if (!isUserId(userId)) return { why: "unsigned_device", devices: 0 };
    return this.#calls.run(async () => {
      const identity = await this.#machine.getIdentity(new engine.UserId(userId));
      const devices = (await this.#machine.getUserDevices(new engine.UserId(userId))).devices();
      const obstacle = (why: Obstacle["why"]): Obstacle => ({ why, devices: devices.length });
      if (!devices.some((device) => device.isCrossSignedByOwner())) return obstacle("unsigned_device");
      if (level === "cross-signed-tofu" && needsApproval(identity)) return obstacle("identity_changed");
      const isVerified = devices.some((device) => device.isCrossSigningTrusted());
      return level === "cross-signed-verified" && !isVerified ? obstacle("unverified_identity") : undefined;
    });
  }

  /** Whether a user's identity is another one than was seen first. */
  async isIdentityNew(userId: string): Promise<boolean> {
    return needsApproval(await this.#calls.run(() => this.#machine.getIdentity(new engine.UserId(userId))));
  }

  /** Returns the servers that gave no answer. */
  async #query(users: readonly string[]): Promise<Set<string>> {
    const userIds = users.filter(isUserId);
    if (userIds.length === 0) return new Set();
    const query = await this.#calls.run(() => Promise.resolve(this.#machine.queryKeysForUsers(engineIds(userIds))));
    const answer = JSON.parse(await this.#outgoing.send(query)) as { failures?: object };
    const now = performance.now();
    for (const userId of userIds) this.#refreshed.set(userId, now);
    return new Set(Object.keys(answer.failures ?? {}));
  }
}

function needsApproval(identity: engine.OtherUserIdentity | engine.OwnUserIdentity | undefined): boolean {
  return identity instanceof engine.OtherUserIdentity && identity.identityNeedsUserApproval();
}
