import { formFor } from "../ghost/form.ts";
import type { Logger } from "../observability/log.ts";
import { isRetryable } from "../observability/retryable.ts";
import { pictureExtent, type PictureExtent } from "../providers/pictures.ts";
import { MOST_CALL_FILES, type CallFile, type CallFilePlace } from "../turns/call-file.ts";
import type { TurnStep } from "../turns/turn-step.ts";
import type { TurnStore } from "../turns/turn-store.ts";
import type { MessageWithFile } from "../turns/turn-work.ts";
import { idsOfTurn, type Turn, type TurnMessage, type TurnReply } from "../turns/turn.ts";
import { markOf, targetOf } from "./answer-messages.ts";
import type { Upload } from "./picture-answer.ts";
import { attachmentContent, noticeContent, withUploaded, type MessageContent } from "./reply.ts";
import type { RoomLanguage } from "./room-language.ts";

/**
 * A reply with the pictures and files in tools' results behind its words, each as a message of its own. A stopped answer
 * has none, and neither have fixed words, which may go where nothing of the conversation may.
 */
export function withFiles(turn: Turn, reply: TurnReply, steps: readonly TurnStep[]): TurnReply {
  if (reply.outcome === "stopped" || reply.messages.some(({ isFixed }) => isFixed === true)) return reply;
  const messages: TurnMessage[] = [];
  let size = 0;
  for (const { file, place } of filesIn(steps)) {
    size += file.size;
    // Calls beside each other do not count each other's files.
    if (messages.length >= MOST_CALL_FILES.count || size > MOST_CALL_FILES.bytes) break;
    // They follow the answer, which quotes the question already.
    messages.push({ content: attachmentContent(file, targetOf(turn, true), markOf(turn)), file: place });
  }
  return messages.length === 0 ? reply : { ...reply, messages: [...reply.messages, ...messages] };
}

/** The files of all calls, in their order. */
function filesIn(steps: readonly TurnStep[]): readonly { readonly file: CallFile; readonly place: CallFilePlace }[] {
  return steps.flatMap((step) => {
    if (step.askedOf === "model" || !("answer" in step)) return [];
    return (step.answer.files ?? []).map((file, number) => ({ file, place: { step: step.number, number } }));
  });
}

/** Uploads the pictures and files in tools' results. */
export class ToolFiles {
  readonly #turns: Pick<TurnStore, "files" | "cameEncrypted">;
  readonly #upload: Upload;
  readonly #language: Pick<RoomLanguage, "words">;
  readonly #log: Logger;

  constructor(options: {
    readonly turns: Pick<TurnStore, "files" | "cameEncrypted">;
    readonly upload: Upload;
    readonly language: Pick<RoomLanguage, "words">;
    readonly log: Logger;
  }) {
    this.#turns = options.turns;
    this.#upload = options.upload;
    this.#language = options.language;
    this.#log = options.log;
  }

  /**
   * The content of a message with its file; a notice where the homeserver does not take that, or it can't be opened any
   * more. A crash after this only leaves an upload that nobody refers to. Throws HomeserverError where it may be taken later.
   */
  async withUpload(turn: Turn, { content, file }: MessageWithFile): Promise<MessageContent> {
    const { ghost, roomId } = turn;
    const bytes = await this.#turns.files.content(turn, file);
    if (bytes !== undefined) {
      const { mimetype } = content["info"] as { readonly mimetype: string };
      const form = formFor({ encrypted: turn.encrypted || (await this.#turns.cameEncrypted(turn)) });
      try {
        const sent = await this.#upload(ghost, roomId, bytes, mimetype, form);
        return withUploaded(content, sent, content["msgtype"] === "m.image" ? extentOf(bytes) : undefined);
      } catch (error) {
        if (isRetryable(error)) throw error;
        this.#log.warn({ ...idsOfTurn(turn), bytes: bytes.byteLength, error }, "a tool's file could not be uploaded");
      }
    }
    const { tools } = await this.#language.words(ghost, roomId);
    return noticeContent(tools.fileLost, targetOf(turn, true), markOf(turn));
  }
}

function extentOf(bytes: Uint8Array): Pick<PictureExtent, "w" | "h"> | undefined {
  const extent = pictureExtent(bytes);
  return extent && { w: extent.w, h: extent.h };
}
