import { formFor } from "../ghost/form.ts";
import type { Words } from "../language/words.ts";
import type { Logger } from "../observability/log.ts";
import { isRetryable } from "../observability/retryable.ts";
import { pictureExtent } from "../providers/pictures.ts";
import { MOST_CALL_FILES, type CallFile, type CallFilePlace } from "../turns/call-files.ts";
import type { TurnStep } from "../turns/turn-step.ts";
import type { TurnStore } from "../turns/turn-store.ts";
import { idsOfTurn, type Turn, type TurnMessage, type TurnReply } from "../turns/turn.ts";
import { markOf, targetOf } from "./answer-messages.ts";
import type { Upload } from "./picture-answer.ts";
import { attachmentContent, noticeContent } from "./reply.ts";

/** Sends the pictures and files in tools' results with the answer, each as a message of its own. */
export class ToolFiles {
  readonly #turns: Pick<TurnStore, "files" | "cameEncrypted">;
  readonly #upload: Upload;
  readonly #log: Logger;

  constructor(options: {
    readonly turns: Pick<TurnStore, "files" | "cameEncrypted">;
    readonly upload: Upload;
    readonly log: Logger;
  }) {
    this.#turns = options.turns;
    this.#upload = options.upload;
    this.#log = options.log;
  }

  /**
   * The reply with the files of all steps, uploaded, after its words. From here on the reply holds all that is sent, so a
   * crash sends nothing twice; one before only uploads a file that nobody refers to. A stopped answer has none.
   */
  async withFiles(
    turn: Turn,
    reply: TurnReply,
    steps: readonly TurnStep[],
    words: () => Promise<Words>,
  ): Promise<TurnReply> {
    const files = filesIn(steps);
    if (reply.outcome === "stopped" || files.length === 0) return reply;
    const messages: TurnMessage[] = [];
    let [lost, size] = [0, 0];
    for (const { file, place } of files) {
      size += file.size;
      // Calls beside each other do not count each other's files.
      const isTooMuch = messages.length >= MOST_CALL_FILES.count || size > MOST_CALL_FILES.bytes;
      const message = isTooMuch ? undefined : await this.#message(turn, file, place);
      if (message === undefined) lost++;
      else messages.push(message);
    }
    if (lost > 0) {
      const content = noticeContent((await words()).tools.filesLost(lost), targetOf(turn, true), markOf(turn));
      messages.push({ content });
    }
    return { ...reply, messages: [...reply.messages, ...messages] };
  }

  /** The message with a file; undefined where the homeserver does not take it, or it can't be opened any more. */
  async #message(turn: Turn, file: CallFile, place: CallFilePlace): Promise<TurnMessage | undefined> {
    const { ghost, roomId } = turn;
    const bytes = await this.#turns.files.content(turn, place);
    if (bytes === undefined) return undefined;
    const form = formFor({ encrypted: turn.encrypted || (await this.#turns.cameEncrypted(turn)) });
    try {
      const sent = await this.#upload(ghost, roomId, bytes, file.type, form);
      const extent = file.kind === "picture" ? pictureExtent(bytes) : undefined;
      // They follow the answer, which quotes the question already.
      return { content: attachmentContent(file, sent, extent, targetOf(turn, true), markOf(turn)) };
    } catch (error) {
      if (isRetryable(error)) throw error;
      this.#log.warn({ ...idsOfTurn(turn), bytes: file.size, error }, "a file from a tool could not be uploaded");
      return undefined;
    }
  }
}

/** The files of all calls, in their order. */
function filesIn(steps: readonly TurnStep[]): readonly { readonly file: CallFile; readonly place: CallFilePlace }[] {
  return steps.flatMap((step) => {
    if (step.askedOf === "model" || !("answer" in step)) return [];
    return (step.answer.files ?? []).map((file, number) => ({ file, place: { step: step.number, number } }));
  });
}
