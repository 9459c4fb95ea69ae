import type { WrittenCommand } from "../addressing/written-command.ts";
import { noticeContent } from "../answering/reply.ts";
import type { RoomLanguage } from "../answering/room-language.ts";
import type { ToolDecisions } from "../answering/tool-decisions.ts";
import { plainWord } from "../commands/code-word.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import type { GhostMessage } from "../ghost/received.ts";
import { questionStep, readCode } from "../turns/call-code.ts";
import { stepOf } from "../turns/turn.ts";
import type { WaitingQuestion } from "../turns/waiting-turns.ts";

/** The parts that understanding plain answers needs. */
export interface PlainAnswersOptions {
  readonly toolDecisions: ToolDecisions;
  readonly language: RoomLanguage;
}

/** Understands answers to questions about calls that name the call by the message to which they belong. */
export class PlainAnswers {
  readonly #options: PlainAnswersOptions;

  constructor(options: PlainAnswersOptions) {
    this.#options = options;
  }

  /** Whether a word with a code, to nobody in particular, is about a call of this agent. */
  async isAboutMine(ghost: GhostHandle, roomId: string, { rest }: WrittenCommand): Promise<boolean> {
    const code = readCode(rest.split(/\s/)[0] ?? "");
    return code !== undefined && (await this.#options.toolDecisions.waiting(ghost.userId, roomId, code)).length > 0;
  }

  /**
   * The command that a bare “yes” in reply to a question stands for; undefined where a message is none. In encrypted
   * rooms it is none: the relation stands outside the ciphertext, and a homeserver may deliver the word later, in reply to
   * another question. The writer is told so.
   */
  async commandOf(
    ghost: GhostHandle,
    message: GhostMessage,
    text: string,
  ): Promise<WrittenCommand | "told" | undefined> {
    const { roomId, eventId, content } = message;
    const name = plainWord(text);
    const target = content.relation.repliesTo;
    if (name === undefined || target === undefined) return undefined;
    const question = await this.questionOf(ghost, roomId, target);
    if (question === undefined) return undefined;
    if (!(await this.#options.toolDecisions.isEncrypted(question))) return { name, rest: question.code };
    const words = await this.#options.language.words(ghost.userId, roomId, text);
    const { threadRoot } = question.turn;
    const notice = noticeContent(words.tools.needsCode(question.code), { eventId, threadRoot });
    await ghost.send(roomId, "m.room.message", notice, `${eventId} needs code`, { form: "of_room" });
    return "told";
  }

  /** The waiting call that a message of the agent asks about. */
  async questionOf(ghost: GhostHandle, roomId: string, eventId: string): Promise<WaitingQuestion | undefined> {
    for (const question of await this.#options.toolDecisions.waiting(ghost.userId, roomId)) {
      const sent = await ghost.sent(roomId, stepOf(question.turn, questionStep(question.code)));
      if (sent === eventId) return question;
    }
    return undefined;
  }
}
