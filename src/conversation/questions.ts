import type { Pause } from "../agents/pauses.ts";
import { shownName } from "../addressing/candidate.ts";
import { noticeContent, reactionContent, type ReplyTarget } from "../answering/reply.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import type { Outcome } from "../ghost/outcome.ts";
import type { GhostMessage } from "../ghost/received.ts";
import type { Words } from "../language/words.ts";
import { fileOf } from "../matrix/received-content.ts";
import { TAKEN } from "../matrix/relation.ts";
import { reached } from "../observability/steps.ts";
import type { Admission, NotNow } from "../turns/admission.ts";
import type { FailedReply, NewTurn, Turn } from "../turns/turn.ts";
import { threadOfQuestion } from "../addressing/question-thread.ts";
import type { ConversationOptions } from "./conversation-options.ts";
import type { MessageClassifier } from "./message-classifier.ts";
import { remembered } from "./remembered.ts";

/** The reaction to a message that was decrypted too late to be answered. */
const READ_LATE = "⌛";

/** The reaction to a question to a paused agent. */
const PAUSED = "⏸️";

type QuestionsOptions = Pick<
  ConversationOptions,
  | "agentOf"
  | "answers"
  | "defaults"
  | "exchanges"
  | "failureNotices"
  | "history"
  | "language"
  | "limits"
  | "pauses"
  | "turnQueued"
  | "turns"
>;

/** Queues people's questions to an agent. */
export class Questions {
  readonly #options: QuestionsOptions;
  readonly #admission: Admission;
  readonly #classifier: MessageClassifier;

  constructor(
    options: QuestionsOptions,
    parts: {
      readonly admission: Admission;
      readonly classifier: MessageClassifier;
    },
  ) {
    this.#options = options;
    this.#admission = parts.admission;
    this.#classifier = parts.classifier;
  }

  /** Queues a question for the model. */
  async ask(ghost: GhostHandle, message: GhostMessage, text: string, saidIn: string | undefined): Promise<Outcome> {
    const { limits, turns, exchanges, history, answers, language, turnQueued } = this.#options;
    const { roomId, eventId, sender, encrypted } = message;
    if (message.lateMs > limits().maxWaitMs) return this.#markLate(ghost, message, text);
    const threadRoot = this.threadFor(message, saidIn);
    const pause = this.#options.pauses.of(ghost.userId);
    if (pause !== undefined) return this.#tellPaused(ghost, message, { text, threadRoot }, pause);
    const [speaker, repliesTo] = await Promise.all([
      message.speaker ?? ghost.speakerOf(roomId, sender),
      this.#classifier.handedOver(ghost.userId, message),
    ]);
    const target = { eventId, threadRoot, follows: message.isLatest };
    let admitted: NewTurn | undefined;
    let first: Turn | undefined;
    return {
      store: async (tx) => {
        const attachment = fileOf(message.content);
        const question = { ...remembered(message, speaker, text), threadRoot, attachment, repliesTo };
        const wish = { ghost: ghost.userId, roomId, eventId, asker: sender };
        const [position, notNow] = await Promise.all([
          history.remember(tx, ghost.userId, roomId, question),
          this.#admission.take(tx, wish),
        ]);
        const turn = { ...wish, position, threadRoot, encrypted, origin: eventId, hops: 0 };
        admitted = notNow === undefined ? turn : undefined;
        if (notNow === undefined) return;
        const words = await language.wordsWith(message.settings, ghost.userId, roomId, text, tx);
        await turns.decline(tx, turn, this.refusal(turn, notNow, words, target));
      },
      last: async (tx) => {
        if (admitted === undefined) return;
        const exchange = message.direct ? undefined : exchanges.begin(tx, admitted, sender);
        [first] = await Promise.all([turns.enqueue(tx, admitted), exchange]);
      },
      after: () => {
        reached("turn.queued");
        ghost.markRead(roomId, eventId, threadRoot);
        if (answers().acknowledge) ghost.react(roomId, eventId, TAKEN);
        turnQueued(first);
      },
    };
  }

  /**
   * A message whose key came so late that an answer would surprise: it is remembered, and its writer sees that it was
   * read.
   */
  async #markLate(ghost: GhostHandle, message: GhostMessage, text: string): Promise<Outcome> {
    const { roomId, eventId, sender, lateMs } = message;
    const step = `${eventId} late`;
    await ghost.send(roomId, "m.reaction", reactionContent(eventId, READ_LATE), step, { form: "of_room" });
    const speaker = message.speaker ?? (await ghost.speakerOf(roomId, sender));
    return {
      store: async (tx) => {
        await this.#options.history.remember(tx, ghost.userId, roomId, remembered(message, speaker, text));
      },
      after: () =>
        ghost.log.info({ room: roomId, event: eventId, lateMs }, "the message was decrypted too late to be answered"),
    };
  }

  /**
   * A question to a paused agent is remembered, and may be asked again later. The first one of a conversation is told why; all
   * are marked, so that their writers see that they were read.
   */
  async #tellPaused(
    ghost: GhostHandle,
    message: GhostMessage,
    { text, threadRoot }: { readonly text: string; readonly threadRoot: string | undefined },
    pause: Pause,
  ): Promise<Outcome> {
    const { agentOf, history, language, turns } = this.#options;
    const { roomId, eventId, sender, encrypted } = message;
    const words = await language.wordsWith(message.settings, ghost.userId, roomId, text);
    const notice = words.paused(shownName(agentOf(ghost.userId), ghost.userId));
    const target = { eventId, threadRoot, follows: message.isLatest };
    const step = `paused ${pause.at.getTime()} ${threadRoot ?? roomId}`;
    await ghost.send(roomId, "m.room.message", noticeContent(notice, target), step, { form: "of_room" });
    const [speaker, repliesTo] = await Promise.all([
      message.speaker ?? ghost.speakerOf(roomId, sender),
      this.#classifier.handedOver(ghost.userId, message),
    ]);
    return {
      store: async (tx) => {
        const attachment = fileOf(message.content);
        const question = { ...remembered(message, speaker, text), threadRoot, attachment, repliesTo };
        const position = await history.remember(tx, ghost.userId, roomId, question);
        const about = { ghost: ghost.userId, roomId, eventId, asker: sender, position, threadRoot };
        await turns.refuse(tx, { ...about, encrypted, origin: eventId, hops: 0 }, "paused");
      },
      after: () => {
        ghost.markRead(roomId, eventId, threadRoot);
        ghost.react(roomId, eventId, PAUSED);
        ghost.log.info({ room: roomId, event: eventId }, "a question to a paused agent is not asked");
      },
    };
  }

  /** The thread of a question and its answer: the question's own thread, or a new one where the room wants that. */
  threadFor(message: GhostMessage, saidIn: string | undefined): string | undefined {
    return threadOfQuestion(message, saidIn, this.#options.defaults());
  }

  /** The reply to a question that is refused now. */
  refusal(turn: NewTurn, notNow: NotNow, words: Words, target: ReplyTarget): FailedReply {
    if (notNow.why === "paused") {
      const notice = words.paused(shownName(this.#options.agentOf(turn.ghost), turn.ghost));
      return this.#options.failureNotices.declined(turn, "paused", notice, target);
    }
    if (notNow.why === "full") return this.#options.failureNotices.failed(turn, "full", words, target);
    const { kind, waitMs } = notNow;
    const notice = words.tooMany(
      shownName(this.#options.agentOf(turn.ghost), turn.ghost),
      kind,
      Math.ceil(waitMs / 60_000),
      true,
    );
    return this.#options.failureNotices.declined(turn, "limit", notice, target);
  }
}
