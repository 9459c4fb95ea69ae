import type { Act, Decision } from "./decisions.ts";
import type { Permissions } from "./permissions.ts";

/** The user who wants something, and the room. */
export interface Wanting {
  readonly roomId: string;
  readonly sender: string;
}

/** The questions to a ghost about a room that it is in. */
export interface GhostInRoom {
  readonly userId: string;
  /** The number of joined members of a room. */
  memberCount(roomId: string): Promise<number>;
  /** Whether a user may redact others' messages in a room. */
  isModerator(roomId: string, userId: string): Promise<boolean>;
}

/** Whether a user may do something with a ghost in a room. The room's size is fetched only where it counts. */
export async function decideIn(
  permissions: Permissions,
  ghost: GhostInRoom,
  act: Act,
  { roomId, sender }: Wanting,
): Promise<Decision> {
  const request = { act, userId: sender, ghost: ghost.userId, roomId };
  const decision = permissions.decide(request);
  if (!decision.allowed || permissions.maxRoomMembers === undefined || act === "overheard") return decision;
  return permissions.decide({ ...request, members: await ghost.memberCount(roomId) });
}

/** Whether a user could ask a ghost in a room. They have not asked yet, so a refusal is reported to nobody. */
export async function mightAsk(
  permissions: Permissions,
  ghost: GhostInRoom,
  { roomId, sender }: Wanting,
): Promise<boolean> {
  const request = { act: "message", userId: sender, ghost: ghost.userId, roomId } as const;
  if (!permissions.allows(request)) return false;
  if (permissions.maxRoomMembers === undefined) return true;
  return permissions.allows({ ...request, members: await ghost.memberCount(roomId) });
}

/** Whether a user moderates a room: by the configured level, or by the room's own power levels. */
export async function moderates(
  permissions: Permissions,
  ghost: GhostInRoom,
  { roomId, sender }: Wanting,
): Promise<boolean> {
  const request = { act: "moderate", userId: sender, ghost: ghost.userId, roomId } as const;
  return permissions.decide(request).allowed || ghost.isModerator(roomId, sender);
}
