import { noticeContent } from "../answering/reply.ts";
import type { RoomLanguage } from "../answering/room-language.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";

/** Says once for an event that its question is too old to be asked again. */
export async function tellTooLongAgo(
  language: RoomLanguage,
  ghost: GhostHandle,
  roomId: string,
  target: string,
): Promise<void> {
  const words = await language.words(ghost.userId, roomId);
  const notice = noticeContent(words.tooLongAgo, { eventId: target, threadRoot: undefined });
  await ghost.send(roomId, "m.room.message", notice, `${target} too long ago`, { form: "of_room" });
}
