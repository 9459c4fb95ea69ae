import { shownName } from "../addressing/candidate.ts";
import type { MessageClass } from "../addressing/addressing.ts";
import { noticeContent } from "../answering/reply.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import type { Outcome } from "../ghost/outcome.ts";
import type { GhostMessage } from "../ghost/received.ts";
import type { Refusal } from "../permissions/decisions.ts";
import type { ConversationOptions } from "./conversation-options.ts";

type RefusedOptions = Pick<ConversationOptions, "agentOf" | "language" | "permissions">;

/**
 * Only a refusal because of the room's size is announced, once: the members can't know it otherwise, and can change it.
 */
export async function refused(
  options: RefusedOptions,
  ghost: GhostHandle,
  message: GhostMessage,
  said: MessageClass,
  reason: Refusal,
): Promise<Outcome> {
  const { roomId, eventId } = message;
  const level = said.kind === "overheard" ? "debug" : "info";
  ghost.log[level]({ room: roomId, event: eventId, reason }, "message refused");
  const { maxRoomMembers = 0 } = options.permissions;
  if (reason === "room_too_large" && said.kind === "addressed") {
    const words = await options.language.words(ghost.userId, roomId, said.text);
    const notice = words.roomTooLarge(shownName(options.agentOf(ghost.userId), ghost.userId), maxRoomMembers);
    await ghost.send(roomId, "m.room.message", noticeContent(notice), `room too large ${roomId}`, {
      form: "of_room",
    });
  }
  return {};
}
