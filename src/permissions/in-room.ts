import type { Act, Decision } from "./decisions.ts";
import type { Permissions } from "./permissions.ts";

/** Who wants something, and where. */
export interface Wanting {
  readonly roomId: string;
  readonly sender: string;
}

/** What is asked of a ghost about a room that it is in. */
export interface GhostInRoom {
  readonly userId: string;
  /** How many have joined a room. */
  memberCount(roomId: string): Promise<number>;
  /** Whether somebody may take back what others say in a room. */
  isModerator(roomId: string, userId: string): Promise<boolean>;
}

/** Whether somebody may do something with a ghost in a room, whose size is looked at only where it counts. */
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

/** Whether somebody might ask a ghost in a room, where they have not asked it yet: nobody is told of a refusal. */
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

/** Whether somebody moderates a room: by the level the configuration gives, or because the room says so. */
export async function moderates(
  permissions: Permissions,
  ghost: GhostInRoom,
  { roomId, sender }: Wanting,
): Promise<boolean> {
  const request = { act: "moderate", userId: sender, ghost: ghost.userId, roomId } as const;
  return permissions.decide(request).allowed || ghost.isModerator(roomId, sender);
}
