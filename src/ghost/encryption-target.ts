import type { EncryptionTarget } from "../crypto/room-encryptor.ts";
import { roomState } from "../homeserver/room-calls.ts";
import { READ_STATE } from "../rooms/rooms.ts";
import type { RoomView } from "../rooms/room-view.ts";
import type { GhostServices } from "./ghost-services.ts";

/** The room's present state, as a ghost in it reads it. Throws the homeserver's error when the state can't be read. */
export function viewAs(
  { rooms, client }: Pick<GhostServices, "rooms" | "client">,
  userId: string,
  roomId: string,
): Promise<RoomView> {
  return rooms.view(roomId, (room) => roomState(client, { userId }, room, { types: READ_STATE }));
}

/**
 * The recipients of an encrypted event in a room as it is now; undefined where the room is not encrypted. Throws the
 * error of {@link viewAs}: without the state nothing may be sent, least of all unencrypted.
 *
 * @param options.toAll whether all devices can read it, instead of only those that the ghost trusts in the room.
 */
export async function encryptionTarget(
  services: Pick<GhostServices, "rooms" | "client" | "trustIn" | "verification">,
  userId: string,
  roomId: string,
  { toAll }: { readonly toAll: boolean },
): Promise<EncryptionTarget | undefined> {
  const view = await viewAs(services, userId, roomId);
  const { encryption, historyVisibility } = view;
  if (encryption === undefined) return undefined;
  const recipients = await services.rooms.recipients(roomId, view);
  const sendTo = toAll ? "unverified" : services.trustIn(userId, roomId).send;
  const onChangedIdentity = services.verification === "accept" ? "leave_out" : "silence";
  return { roomId, encryption, historyVisibility, recipients, sendTo, newSession: toAll, onChangedIdentity };
}
