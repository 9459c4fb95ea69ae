/**
 * How far a device is trusted, from everybody to few. The words are those of the best encrypted bridge; its last level, a
 * device verified by itself, is one with `cross-signed-verified` here, for the engine tells them apart no more.
 *
 * - `unverified`: any device.
 * - `cross-signed-untrusted`: a device that its owner has signed (MSC4153).
 * - `cross-signed-tofu`: that, and the owner's identity is the one that was seen first.
 * - `cross-signed-verified`: that, and the owner's identity was verified.
 */
export const TRUST_LEVELS = [
  "unverified",
  "cross-signed-untrusted",
  "cross-signed-tofu",
  "cross-signed-verified",
] as const;
export type TrustLevel = (typeof TRUST_LEVELS)[number];

/** Whom to trust. */
export interface Trust {
  /** Devices below this level get no keys of ours. */
  readonly send: TrustLevel;
  /** What devices below this level say is not acted on. */
  readonly read: TrustLevel;
}

/** Whom to trust where: the most particular word counts, a room's before an agent's before the default. */
export interface TrustPolicy {
  readonly everywhere: Trust;
  /** By the agent's name. */
  readonly agents: ReadonlyMap<string, Partial<Trust>>;
  readonly rooms: ReadonlyMap<string, Partial<Trust>>;
}

/** Whom an agent trusts in a room; the bridge's bot has no agent's name. */
export function trustIn(policy: TrustPolicy, agent: string | undefined, roomId: string): Trust {
  return {
    ...policy.everywhere,
    ...(agent === undefined ? undefined : policy.agents.get(agent)),
    ...policy.rooms.get(roomId),
  };
}

/** Why somebody is not trusted enough to be acted on. */
export type Distrust =
  /** The device is not signed by its owner. */
  | "unsigned_device"
  /** The owner's identity is another one than before. */
  | "identity_changed"
  /** The owner's identity was verified, and is another one now. */
  | "verified_identity_changed"
  /** The owner's identity was never verified. */
  | "unverified_identity";
