import type { RoomSettings } from "../rooms/settings.ts";
import { standingIn, type Standing } from "./direct-chat.ts";
import type { GhostServices } from "./ghost-services.ts";

/** The facts about a room that nearly every decision about an event or a turn needs, read in one round trip. */
export interface RoomLook extends Standing {
  /** The room's own settings for the ghost. */
  readonly settings: RoomSettings;
}

/** The same with the sender of an event. */
export interface EventLook extends RoomLook {
  /** The sender's name for a model; see {@link GhostHandle.speakerOf}. Undefined where the room has just changed. */
  readonly speaker: string | undefined;
}

type LookServices = Pick<GhostServices, "memberships" | "rooms" | "client" | "log" | "roomSettings">;

/** Looks at a room as a ghost. Throws the errors of {@link standingIn}. */
export async function lookAt(services: LookServices, ghost: string, roomId: string): Promise<RoomLook> {
  const [standing, settings] = await Promise.all([
    standingIn(services, ghost, roomId),
    services.roomSettings.get(ghost, roomId),
  ]);
  return { ...standing, settings };
}

/** Looks at the room of an event. Throws the errors of {@link standingIn}. */
export async function lookAtEvent(
  services: LookServices,
  ghost: string,
  { room_id: roomId, sender }: { readonly room_id: string; readonly sender: string },
): Promise<EventLook> {
  const [look, speaker] = await Promise.all([lookAt(services, ghost, roomId), services.rooms.speaker(roomId, sender)]);
  return { ...look, speaker: look.isCurrent ? speaker : undefined };
}
