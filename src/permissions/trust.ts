import type { Trust, TrustPolicy } from "../config/config.ts";

/** The trust that an agent requires in a room; the bridge's bot has no agent name. */
export function trustIn(policy: TrustPolicy, agent: string | undefined, roomId: string): Trust {
  return {
    ...policy.everywhere,
    ...(agent === undefined ? undefined : policy.agents.get(agent)),
    ...policy.rooms.get(roomId),
  };
}

/** The reason why a sender is not trusted enough. */
export type Distrust =
  /** The message came unencrypted in an encrypted room, so nothing proves its author. */
  | "not_encrypted"
  /** The device is not signed by its owner. */
  | "unsigned_device"
  /** The owner's identity has changed. */
  | "identity_changed"
  /** The owner's identity was verified and has changed. */
  | "verified_identity_changed"
  /** The owner's identity was never verified. */
  | "unverified_identity";
