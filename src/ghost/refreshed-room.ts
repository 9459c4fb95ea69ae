import type { HomeserverClient } from "../homeserver/client.ts";
import { roomState } from "../homeserver/room-calls.ts";
import { READ_STATE, type Rooms } from "../rooms/rooms.ts";
import type { Memberships } from "../mailbox/memberships.ts";

/**
 * Reads the state of a changed room, as one of the ghosts in it. Does nothing where there is none. Throws
 * HomeserverError.
 */
export async function refreshRoom(
  memberships: Pick<Memberships, "ghostsIn">,
  rooms: Pick<Rooms, "view">,
  client: HomeserverClient,
  roomId: string,
): Promise<void> {
  const [userId] = await memberships.ghostsIn(roomId);
  if (userId === undefined) return;
  await rooms.view(roomId, (room) => roomState(client, { userId }, room, { types: READ_STATE }));
}
