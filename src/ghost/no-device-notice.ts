import type { Lease } from "../leases/leases.ts";
import type { GhostHandle } from "./ghost-handle.ts";
import type { GhostServices } from "./ghost-services.ts";

/**
 * Tells an encrypted room, once and unencrypted, that the ghost has no device and so can neither read nor write there: the
 * homeserver gives it none, or the admin wants none.
 * Throws temporary errors.
 */
export async function tellOfNoDevice(
  { mode, notices, trustNotices }: Pick<GhostServices, "mode" | "notices" | "trustNotices">,
  ghost: GhostHandle,
  lease: Lease,
  roomId: string,
): Promise<void> {
  const content = await notices.noDevice(ghost, roomId, mode === "off" ? "none wanted" : "none given");
  await trustNotices.tell(ghost, lease, { roomId, userId: ghost.userId, why: "no_device", content });
}
