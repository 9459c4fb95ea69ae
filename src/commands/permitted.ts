import type { GhostHandle } from "../ghost/ghost-handle.ts";
import type { GhostMessage } from "../ghost/received.ts";
import type { Permissions } from "../permissions/permissions.ts";
import type { Act, Decision } from "../permissions/decisions.ts";
import type { Addressing } from "../addressing/addressing.ts";
import { chosenCommand } from "./command-menu.ts";
import { attachmentOf } from "../matrix/attachments.ts";
import { readCommand } from "./commands.ts";
import { writtenCommand, type WrittenCommand } from "../addressing/written-command.ts";

/** Who wants something, and where. */
export type Wanting = Pick<GhostMessage, "roomId" | "sender">;

/** The command that a message gives an agent; undefined when it gives none. */
export function commandOf(ghost: GhostHandle, message: GhostMessage, said: Addressing): WrittenCommand | undefined {
  if (said.kind === "overheard") return bareCommand(said.text);
  if (said.kind !== "addressed" || attachmentOf(message.content) !== undefined) return undefined;
  return chosenCommand(message.content, ghost.userId) ?? writtenCommand(said.text);
}

/** `!stop` may be said to nobody in particular, and so may the decision that an agent waits for. */
function bareCommand(text: string): WrittenCommand | undefined {
  const written = writtenCommand(text);
  return written !== undefined && ["stop", "privacy"].includes(readCommand(written).kind) ? written : undefined;
}

/** What somebody wants with a message; undefined when that is nothing, or when it is an agent that speaks. */
export function actOf(said: Addressing, isCommand: boolean): Act | undefined {
  if (said.kind === "ignored" || said.kind === "agent" || said.kind === "doubtful_edit") return undefined;
  if (isCommand) return "command";
  return said.kind === "addressed" ? "message" : said.kind;
}

/** Whether somebody may do something with a ghost in a room, whose size is looked at only where it counts. */
export async function decideIn(
  permissions: Permissions,
  ghost: GhostHandle,
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
  ghost: GhostHandle,
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
  ghost: GhostHandle,
  { roomId, sender }: Wanting,
): Promise<boolean> {
  const request = { act: "moderate", userId: sender, ghost: ghost.userId, roomId } as const;
  return permissions.decide(request).allowed || ghost.isModerator(roomId, sender);
}
