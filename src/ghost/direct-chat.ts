import type { GhostServices } from "./ghost-services.ts";
import { viewAs } from "./encryption-target.ts";
import { isRetryable } from "../observability/retryable.ts";

/**
 * With whom a ghost is in a direct chat; undefined where a room is none. It is one where the invite, or `m.direct`, has called
 * it so, and nobody but the ghost and one other is in the room or invited to it: what one member calls a group, by an invite
 * that anybody may send, says nothing for the others. Members are counted as of now, whatever they are: with another agent
 * in the room, agents are called by their names. Where the state can't be read, there is no direct chat. Throws what may
 * pass.
 */
export async function partnerIn(
  services: Pick<GhostServices, "store" | "rooms" | "client" | "log">,
  ghost: string,
  roomId: string,
): Promise<string | undefined> {
  const membership = await services.store.membership(ghost, roomId);
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
