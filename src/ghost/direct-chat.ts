import { isRetryable } from "../observability/retryable.ts";
import type { Membership } from "../mailbox/memberships.ts";
import { viewAsWith } from "./encryption-target.ts";
import type { GhostServices } from "./ghost-services.ts";

/** A ghost's place in a room. */
export interface Standing {
  /** Undefined: the ghost was never there. */
  readonly membership: Membership | undefined;
  /** The person with whom the ghost is in a direct chat; undefined where the room is none. */
  readonly partner: string | undefined;
  /** The last line in the room, as far as known. */
  readonly latest: string | undefined;
  /** Whether the room's state had been read since its last change. */
  readonly isCurrent: boolean;
  /** See {@link Rooms.isEncrypted}. */
  readonly isEncrypted: boolean;
}

type StandingServices = Pick<GhostServices, "memberships" | "rooms" | "client" | "log">;

/**
 * A ghost's place in a room: in one round trip, unless the room has changed. It is a direct chat if the invite or
 * `m.direct` calls it so, and only the ghost and one other member are joined or invited. In a larger room one member's
 * invite does not decide for the others. Members are counted as of now, agents included: with another agent in the room,
 * people call agents by name. Where the state can't be read, the room is no direct chat. Throws temporary errors.
 */
export async function standingIn(services: StandingServices, ghost: string, roomId: string): Promise<Standing> {
  const { memberships, rooms, log } = services;
  const companion = (): Promise<string | undefined> => rooms.soleCompanion(roomId, ghost);
  const [membership, { view, latest, isEncrypted }, sole] = await Promise.all([
    memberships.membership(ghost, roomId),
    rooms.lastSeen(roomId),
    companion(),
  ]);
  const known = { membership, latest, isCurrent: view !== undefined, isEncrypted };
  if (membership?.membership !== "join" || !membership.calledDirect) return { ...known, partner: undefined };
  if (view !== undefined) return { ...known, partner: sole };
  try {
    return { ...known, partner: (await viewAsWith(services, ghost, roomId, companion)).found };
  } catch (error) {
    if (isRetryable(error)) throw error;
    log.warn({ ghost, room: roomId, error }, "the room's members can't be read, so it counts as a group");
    return { ...known, partner: undefined };
  }
}

/** The person with whom a ghost is in a direct chat; see {@link standingIn}. */
export async function partnerIn(
  services: StandingServices,
  ghost: string,
  roomId: string,
): Promise<string | undefined> {
  return (await standingIn(services, ghost, roomId)).partner;
}
