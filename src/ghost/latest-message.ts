import type { Rooms } from "../rooms/rooms.ts";
import type { Memberships } from "../mailbox/memberships.ts";

/** Whether a message is still the last one in a direct chat of two, as far as known. */
export async function isLatestOfTwo(
  memberships: Pick<Memberships, "membership">,
  rooms: Pick<Rooms, "soleCompanion" | "isLatest">,
  { ghost, roomId, eventId }: { readonly ghost: string; readonly roomId: string; readonly eventId: string },
): Promise<boolean> {
  const [membership, companion, isLatest] = await Promise.all([
    memberships.membership(ghost, roomId),
    rooms.soleCompanion(roomId, ghost),
    rooms.isLatest(roomId, eventId),
  ]);
  return membership?.calledDirect === true && companion !== undefined && isLatest;
}
