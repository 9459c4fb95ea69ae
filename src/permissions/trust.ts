import type { Trust, TrustPolicy } from "../config/config.ts";

/** The trust that an agent requires in a room; the bridge's bot has no agent's name. */
export function trustIn(policy: TrustPolicy, agent: string | undefined, roomId: string): Trust {
  return {
    ...policy.everywhere,
    ...(agent === undefined ? undefined : policy.agents.get(agent)),
    ...policy.rooms.get(roomId),
  };
}

/** Why somebody is not trusted enough to be acted on. */
export type Distrust =
  /** It came in clear into an encrypted room, so that nothing says who wrote it. */
  | "not_encrypted"
  /** The device is not signed by its owner. */
  | "unsigned_device"
  /** The owner's identity is another one than before. */
  | "identity_changed"
  /** The owner's identity was verified, and is another one now. */
  | "verified_identity_changed"
  /** The owner's identity was never verified. */
  | "unverified_identity";
