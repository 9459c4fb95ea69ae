import type { RoomSettings } from "../rooms/settings.ts";
import { standingIn, type Standing } from "./direct-chat.ts";
import type { GhostServices } from "./ghost-services.ts";

/** What nearly every decision about an event or a turn asks of its room, read in one round trip. */
export interface RoomLook extends Standing {
  /** The room's own settings for the ghost. */
  readonly settings: RoomSettings;
}

/** Looks at a room as a ghost. Throws the errors of {@link standingIn}. */
export async function lookAt(
  services: Pick<GhostServices, "memberships" | "rooms" | "client" | "log" | "roomSettings">,
  ghost: string,
  roomId: string,
): Promise<RoomLook> {
  const [{ membership, partner }, settings] = await Promise.all([
    standingIn(services, ghost, roomId),
    services.roomSettings.get(ghost, roomId),
  ]);
  return { membership, partner, settings };
}
