import type { Ghost } from "../ghost/ghost.ts";
import { AnswerTooLarge, isAway } from "../homeserver/errors.ts";
import type { Attachment } from "../matrix/attachments.ts";
import { isRetryable } from "../observability/retryable.ts";
import type { ReadMessage } from "./replied-messages.ts";
import { UnreadableFile } from "./unreadable-file.ts";

/**
 * A file that somebody sent. Rejects with {@link UnreadableFile} where it can't be fetched, with HomeserverError when
 * the homeserver itself is away, and with the signal's reason.
 */
export async function downloadedFile(
  ghost: Pick<Ghost, "download">,
  attachment: Attachment,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  try {
    return await ghost.download(attachment, maxBytes, signal);
  } catch (error) {
    signal.throwIfAborted();
    // The homeserver fetches other servers' files and may wait for them, without being away itself.
    if (isAway(error)) throw error;
    const why = error instanceof AnswerTooLarge ? "too_large" : "no_file";
    throw new UnreadableFile(why, { cause: error, isPassing: isRetryable(error) });
  }
}

/** An event of a room as a ghost may see it, with its sender's name there; undefined when the ghost can't see it. */
export async function readMessage(
  ghost: Pick<Ghost, "read" | "speakerOf">,
  roomId: string,
  eventId: string,
  signal: AbortSignal,
): Promise<ReadMessage | undefined> {
  const event = await ghost.read(roomId, eventId, signal);
  return event && { ...event, speaker: await ghost.speakerOf(roomId, event.sender) };
}
