import type { Rooms } from "../rooms/rooms.ts";
import type { GhostStore } from "./ghost-store.ts";

/** Whether a message is still the last one in a direct chat of two, as far as known. */
export async function isLatestOfTwo(
  store: Pick<GhostStore, "membership">,
  rooms: Pick<Rooms, "soleCompanion" | "isLatest">,
  { ghost, roomId, eventId }: { readonly ghost: string; readonly roomId: string; readonly eventId: string },
): Promise<boolean> {
  const isDirect = (await store.membership(ghost, roomId))?.calledDirect === true;
  return isDirect && (await rooms.soleCompanion(roomId, ghost)) !== undefined && rooms.isLatest(roomId, eventId);
}
