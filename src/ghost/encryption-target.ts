import type { EncryptionTarget } from "../crypto/encryption-target.ts";
import { roomState } from "../homeserver/room-calls.ts";
import { READ_STATE } from "../rooms/rooms.ts";
import { getsKeys, type RoomView } from "../rooms/room-view.ts";
import type { GhostServices } from "./ghost-services.ts";
import type { SeenMember } from "./known-members.ts";

/** The room's present state, as a ghost in it reads it. Throws the homeserver's error when the state can't be read. */
export async function viewAs(
  services: Pick<GhostServices, "rooms" | "client">,
  userId: string,
  roomId: string,
): Promise<RoomView> {
  return (await viewAsWith(services, userId, roomId, () => Promise.resolve())).view;
}

/** The same with what `read` finds in the stored state: in one round trip where the room has not changed. */
export function viewAsWith<T>(
  { rooms, client }: Pick<GhostServices, "rooms" | "client">,
  userId: string,
  roomId: string,
  read: () => Promise<T>,
): Promise<{ readonly view: RoomView; readonly found: T }> {
  return rooms.viewWith(roomId, (room) => roomState(client, { userId }, room, { types: READ_STATE }), read);
}

/** The members who get the keys of a room as it is now. Throws the error of {@link viewAs}. */
export async function keyHolders(
  services: Pick<GhostServices, "rooms" | "client" | "knownMembers">,
  userId: string,
  roomId: string,
): Promise<{ readonly view: RoomView; readonly members: readonly SeenMember[] }> {
  const { view, found } = await viewAsWith(services, userId, roomId, () =>
    services.knownMembers.membersFor(userId, roomId),
  );
  return { view, members: found.filter(({ membership }) => getsKeys(view, membership)) };
}

/**
 * The recipients of an encrypted event in a room as it is now, and the knowledge of them; undefined where the room is not
 * encrypted. Throws the error of {@link viewAs}: without the state nothing may be sent, least of all unencrypted.
 *
 * @param options.toAll whether all devices can read it, instead of only those that the ghost trusts in the room.
 */
export async function encryptionTarget(
  services: Pick<GhostServices, "rooms" | "client" | "knownMembers" | "trustIn" | "verification">,
  userId: string,
  roomId: string,
  { toAll }: { readonly toAll: boolean },
): Promise<{ readonly target: EncryptionTarget; readonly members: readonly SeenMember[] } | undefined> {
  const { view, members } = await keyHolders(services, userId, roomId);
  const { encryption, historyVisibility } = view;
  if (encryption === undefined) return undefined;
  const recipients = members.map((member) => member.userId);
  const sendTo = toAll ? "unverified" : services.trustIn(userId, roomId).send;
  const onChangedIdentity = services.verification === "accept" ? ("leave_out" as const) : ("silence" as const);
  const seen = { roomId, encryption, historyVisibility, recipients };
  return { target: { ...seen, sendTo, newSession: toAll, onChangedIdentity }, members };
}
