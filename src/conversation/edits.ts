import type { MessageClass } from "../addressing/addressing.ts";
import { writtenCommand } from "../addressing/written-command.ts";
import { targetOf } from "../answering/answer-messages.ts";
import { decideIn } from "../permissions/in-room.ts";
import type { Queryable } from "../database/database.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import { combined, type Outcome } from "../ghost/outcome.ts";
import type { GhostMessage } from "../ghost/received.ts";
import { isAway, isHomeserverError } from "../homeserver/errors.ts";
import { fileOf } from "../matrix/received-content.ts";
import type { History } from "../memory/history.ts";
import type { Admission, Wish } from "../turns/admission.ts";
import { stopping } from "../turns/stopping.ts";
import type { ConversationOptions } from "./conversation-options.ts";
import type { MessageClassifier } from "./message-classifier.ts";
import type { Questions } from "./questions.ts";
import { tellTooLongAgo } from "./too-long-ago.ts";

type EditsOptions = Pick<
  ConversationOptions,
  "history" | "language" | "permissions" | "quoted" | "waitsStopped" | "stopTurns" | "turnQueued" | "turns"
>;

/** Decides about edited messages. */
export class Edits {
  readonly #options: EditsOptions;
  readonly #admission: Admission;
  readonly #classifier: MessageClassifier;
  readonly #questions: Questions;

  constructor(
    options: EditsOptions,
    parts: {
      readonly admission: Admission;
      readonly classifier: MessageClassifier;
      readonly questions: Questions;
    },
  ) {
    this.#options = options;
    this.#admission = parts.admission;
    this.#classifier = parts.classifier;
    this.#questions = parts.questions;
  }

  /** An edit of a question also changes its answer; a running one is stopped for that. */
  async edited(
    ghost: GhostHandle,
    message: GhostMessage,
    said: Extract<MessageClass, { kind: "edit" }>,
  ): Promise<Outcome> {
    const { history, turns, turnQueued } = this.#options;
    const { target, text } = said;
    const { roomId, sender, encrypted } = message;
    const edited = { ghost: ghost.userId, roomId, eventId: target, sender, encrypted };
    const about = await turns.about(ghost.userId, roomId, target);
    // The question's turn is forgotten: only the memory of it changes, and the agent says so.
    const isOld = about === undefined && (await history.answersTo(ghost.userId, roomId, target)).length > 0;
    if (isOld) {
      if (await history.isSentBy(edited)) await tellTooLongAgo(this.#options.language, ghost, roomId, target);
      return {
        store: async (tx) => {
          await history.edit(tx, edited, text);
        },
      };
    }
    if (about === undefined && said.calls && !ghost.isBot) {
      const question = await this.#calledByEdit(ghost, message, said);
      if (question !== undefined) return this.#askAnew(ghost, question, edited, text);
    }
    const words = await this.#options.language.words(ghost.userId, roomId, text);
    const wish: Wish = { ghost: ghost.userId, roomId, asker: sender, insteadOf: target };
    // An answer to the former words is no longer needed.
    const stop = stopping(this.#options, { ghost: ghost.userId, roomId, eventId: target }, { keeps: true });
    return {
      store: async (tx) => {
        const isNew = await history.edit(tx, edited, text);
        if (!isNew || about?.turn.eventId !== target || about.turn.asker !== sender) return;
        const notNow = await this.#admission.take(tx, wish);
        await stop.store(tx);
        if (notNow === undefined) await turns.enqueueAgain(tx, ghost.userId, target, "edit");
        else
          await turns.declineAgain(
            tx,
            about.turn,
            this.#questions.refusal(about.turn, notNow, words, targetOf(about.turn)),
          );
      },
      after: () => {
        stop.after();
        turnQueued();
      },
    };
  }

  /** A quoted message is read again when somebody replies to it again: its former words are outdated. */
  editedInDoubt(ghost: GhostHandle, message: GhostMessage, target: string): Outcome {
    const { roomId, sender } = message;
    ghost.log.debug({ room: roomId, event: message.eventId }, "an edit that addresses no agent is ignored");
    return {
      store: (tx) => this.#options.quoted.unquote(tx, { ghost: ghost.userId, roomId, eventId: target, sender }),
    };
  }

  /** Asks a message that an edit has turned into a question. Its earlier form may have been overheard. */
  async #askAnew(
    ghost: GhostHandle,
    question: GhostMessage,
    edited: Parameters<History["edit"]>[1],
    text: string,
  ): Promise<Outcome> {
    const saidIn = question.content.relation.threadRoot;
    const asked = {
      attachment: fileOf(question.content),
      threadRoot: this.#questions.threadFor(question, saidIn),
      repliesTo: await this.#classifier.handedOver(ghost.userId, question),
    };
    const store = async (tx: Queryable): Promise<void> => {
      await this.#options.history.edit(tx, edited, text, asked);
    };
    return combined(await this.#questions.ask(ghost, question, text, saidIn), { store });
  }

  /**
   * A message to nobody, or to others, that an edit has turned into one for the agent: in its present form. Undefined
   * where the editor is not its writer, or may not ask.
   */
  async #calledByEdit(
    ghost: GhostHandle,
    message: GhostMessage,
    { target, text }: Extract<MessageClass, { kind: "edit" }>,
  ): Promise<GhostMessage | undefined> {
    // Editing a command does not run it again.
    if (writtenCommand(text) !== undefined) return undefined;
    const { roomId, eventId } = message;
    const permitted = await decideIn(this.#options.permissions, ghost, "message", message);
    const looked = permitted.allowed ? ghost.outsideOf(roomId, target) : undefined;
    const original = await looked?.catch((error: unknown) => {
      // The agent hears nobody else while it waits, so it waits only for a homeserver that is away and sends nothing
      // else either.
      if (!isHomeserverError(error) || isAway(error)) throw error;
      ghost.log.warn(
        { room: roomId, event: eventId, error },
        "the edited message can't be found; the edit asks nothing",
      );
      return undefined;
    });
    const { edit } = message.content;
    if (edit === undefined || original?.sender !== message.sender) return undefined;
    return { ...message, eventId: target, content: { ...edit.said, relation: original.relation } };
  }
}
