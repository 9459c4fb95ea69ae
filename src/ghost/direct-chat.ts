import type { GhostServices } from "./ghost-services.ts";
import { viewAs } from "./encryption-target.ts";
import { isRetryable } from "../observability/retryable.ts";

/**
 * The person with whom a ghost is in a direct chat; undefined where a room is none. It is a direct chat if the invite
 * or `m.direct` calls it so, and only the ghost and one other member are joined or invited. In a larger room one
 * member's invite does not decide for the others. Members are counted as of now, agents included: with another agent in
 * the room, people call agents by name. Where the state can't be read, the room is no direct chat. Throws temporary
 * errors.
 */
export async function partnerIn(
  services: Pick<GhostServices, "memberships" | "rooms" | "client" | "log">,
  ghost: string,
  roomId: string,
): Promise<string | undefined> {
  const membership = await services.memberships.membership(ghost, roomId);
  if (membership?.membership !== "join" || !membership.calledDirect) return undefined;
  try {
    await viewAs(services, ghost, roomId);
  } catch (error) {
    if (isRetryable(error)) throw error;
    services.log.warn({ ghost, room: roomId, error }, "the room's members can't be read, so it counts as a group");
    return undefined;
  }
  return services.rooms.soleCompanion(roomId, ghost);
}
