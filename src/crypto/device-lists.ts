import * as engine from "@matrix-org/matrix-sdk-crypto-wasm";
import type { Serial } from "../concurrency/serial.ts";
import type { TrustLevel } from "../config/config.ts";
import type { Distrust } from "../permissions/trust.ts";
import { isUserId, userIds as engineIds } from "./engine-ids.ts";
import type { Outgoing } from "./outgoing.ts";

/** The reason why no device of a user gets the agent's messages. */
export interface Obstacle {
  readonly why: Extract<Distrust, "unsigned_device" | "identity_changed" | "unverified_identity">;
  /** The number of the user's devices. */
  readonly devices: number;
}

/** A sender with untrusted devices is looked up at most this often, in ms. */
const REFRESH_AGAIN_MS = 30_000;

/** The devices and identities of users as this device knows them, and how it learns them. */
export class DeviceLists {
  readonly #machine: engine.OlmMachine;
  readonly #calls: Serial;
  readonly #outgoing: Pick<Outgoing, "drain" | "send">;
  /** The time of the last query for each user, by the process's clock, in ms. */
  readonly #refreshed = new Map<string, number>();

  constructor(machine: engine.OlmMachine, calls: Serial, outgoing: Pick<Outgoing, "drain" | "send">) {
    this.#machine = machine;
    this.#calls = calls;
    this.#outgoing = outgoing;
  }

  /** Starts to follow the users' device lists, so that the next message reaches all of their devices. */
  async track(userIds: readonly string[]): Promise<void> {
    await this.#calls.run(() => this.#machine.updateTrackedUsers(engineIds(userIds)));
    await this.#outgoing.drain();
  }

  /**
   * Learns the devices of users whose changes the server may not have reported, and follows them from now on. Returns
   * the users whose devices are current; users of unreachable servers are left out. Throws HomeserverError.
   */
  async meet(userIds: readonly string[]): Promise<readonly string[]> {
    const tracked = await this.#calls.run(() => this.#machine.trackedUsers());
    const followed = new Set([...tracked].map((userId) => userId.toString()));
    // The engine keeps asking for users that are new to it until it gets an answer.
    await this.track(userIds);
    const silent = await this.#query(userIds.filter((userId) => followed.has(userId)));
    return userIds.filter((userId) => !silent.has(userId.slice(userId.indexOf(":") + 1)));
  }

  /**
   * Asks the server for the current devices and identities of users, except those it was asked about a moment ago.
   * Throws HomeserverError.
   */
  async refresh(userIds: readonly string[]): Promise<void> {
    await this.track(userIds);
    const now = performance.now();
    for (const [userId, at] of this.#refreshed) if (now - at >= REFRESH_AGAIN_MS) this.#refreshed.delete(userId);
    await this.#query(userIds.filter((userId) => now - (this.#refreshed.get(userId) ?? -Infinity) >= REFRESH_AGAIN_MS));
  }

  /**
   * The reason why none of a user's devices reaches a level, and the number of devices; undefined when one does. This
   * uses what is known now: see {@link meet}.
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

  /** Whether a user's identity differs from the first one that was seen. */
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
