import { makeDirectChat } from "../homeserver/room-calls.ts";
import { standingIn } from "./direct-chat.ts";
import { DirectRooms } from "./direct-rooms.ts";
import type { GhostServices } from "./ghost-services.ts";

/** The services for private chats. */
type PrivateChatServices = Pick<GhostServices, "memberships" | "rooms" | "client" | "log">;

/**
 * An encrypted direct chat of a ghost with a person, for words that are for nobody else. Where there is none, the ghost makes
 * one and invites the person. Throws HomeserverError and DatabaseError.
 *
 * @param who.preferred a room that is taken if it is such a chat.
 */
export async function privateChat(
  services: PrivateChatServices,
  { ghost, person, preferred }: { readonly ghost: string; readonly person: string; readonly preferred: string },
): Promise<string> {
  const { memberships, client, log } = services;
  const known = await memberships.calledDirectWith(ghost, person);
  for (const roomId of new Set([preferred, ...known])) {
    const { partner, isEncrypted } = await standingIn(services, ghost, roomId);
    if (partner === person && isEncrypted) return roomId;
  }
  const roomId = await makeDirectChat(client, { userId: ghost }, person);
  await memberships.setDirect(ghost, roomId);
  await new DirectRooms(ghost, services).add(person, roomId);
  log.info({ ghost, room: roomId, user: person }, "the agent has made a direct chat");
  return roomId;
}
