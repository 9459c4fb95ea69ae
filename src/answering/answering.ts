import { callFor } from "../addressing/call.ts";
import { withoutPath } from "../agents/model-name.ts";
import type { Queryable } from "../database/database.ts";
import type { Logger } from "../observability/log.ts";
import type { Words } from "../language/words.ts";
import { occasionOf } from "../reminders/reminder.ts";
import { estimateTokens } from "../text/tokens.ts";
import { usersOf, type Allowances } from "../turns/allowances.ts";
import type { Turn, TurnReply } from "../turns/turn.ts";
import type { TurnStore } from "../turns/turn-store.ts";
import type { CallsWanted, ReadyCall } from "../turns/step-loop.ts";
import type { OpenCall, ProposedCall, TurnStep } from "../turns/turn-step.ts";
import type { AnswerAttempt, Asking, MessageWithFile, ReadyAsking, RememberMessage } from "../turns/turn-work.ts";
import { answerMessages, markOf, toAsker } from "./answer-messages.ts";
import { fixed } from "./failure-notices.ts";
import type { SeenForAnswer, Source } from "./material.ts";
import { answeringParts, type AnsweringOptions, type AnsweringParts } from "./parts.ts";
import { noticeContent, type MessageContent } from "./reply.ts";
import type { RoomLanguage } from "./room-language.ts";
import { withFiles } from "./tool-files.ts";
import { stoppedInCall, withCallUnderWay, withWait } from "./tool-progress.ts";
import { questionIsOver } from "./tool-question.ts";
import { NOT_OFFERED } from "./tool-words.ts";
import type { Manner } from "./voice-answers.ts";
import type { Voice } from "./voices.ts";

/** Failures after which another agent's model may answer, if nothing was said yet. */
const CALLS_FOR_ANOTHER: ReadonlySet<string> = new Set([
  "unreachable",
  "busy",
  "unpaid",
  "model_missing",
  "timeout",
  "cut_off",
]);

/** Makes the answers of turns: shows them, sends them and remembers them. */
export class Answering {
  readonly #parts: AnsweringParts;
  readonly #language: RoomLanguage;
  readonly #turns: Pick<TurnStore, "markEncrypted">;
  readonly #allowances: Allowances;
  readonly #log: Logger;

  constructor(options: AnsweringOptions) {
    this.#parts = answeringParts(options);
    this.#language = options.language;
    this.#turns = options.turns;
    this.#allowances = options.allowances;
    this.#log = options.log;
  }

  /**
   * Reads what an attempt at an answer needs of its room.
   *
   * @param look reads what the ghost sees.
   */
  async attempt(turn: Turn, look: () => Promise<SeenForAnswer>): Promise<AnswerAttempt> {
    const { gatherer, drafts } = this.#parts;
    const source = await gatherer.sourceOf(turn, look);
    return {
      respond: (asking) => this.#respond(turn, source, asking),
      ready: (step, asking) => this.#ready(turn, source, step, asking),
      waiting: async (steps) => withWait(steps, await this.#language.wordsWith(source.set, turn.ghost, turn.roomId)),
      withFiles: (reply, steps) => withFiles(turn, reply, steps),
      stoppedIn: (call, steps) => this.#stoppedIn(turn, source, call, steps),
      underWay: async (steps, call) =>
        withCallUnderWay(steps, call, await this.#language.wordsWith(source.set, turn.ghost, turn.roomId)),
      timeIsOver: async (question) => {
        const words = await this.#language.wordsWith(source.set, turn.ghost, turn.roomId);
        return questionIsOver(question, words.tools.timeIsOver);
      },
      drafting: () => drafts.of(turn, source),
    };
  }

  /**
   * Asks the model of a turn's agent and composes the answer, or the notice with the reason why there is none. A
   * stopped answer (TurnStopped) consists of the part that exists.
   */
  async #respond(turn: Turn, source: Source, asking: Asking): Promise<TurnReply | CallsWanted> {
    const { signal } = asking;
    const { voices, gatherer, voiceAnswers, notices, targets, summingUp } = this.#parts;
    const { direct, set } = source;
    const words = once(() => this.#language.wordsWith(set, turn.ghost, turn.roomId));
    const voice = voices.in(turn, set);
    const call = callFor(turn.ghost, voice?.agent.name, direct);
    if (voice === undefined) return notices.failed(turn, "gone", await words(), await targets.of(turn), call);
    const material = await gatherer.gather(turn, source, signal);
    // The gate, the sender and the memory read this mark.
    if (material.encrypted && !turn.encrypted) await this.#turns.markEncrypted(turn);
    if (material.encrypted && !source.isEncrypted) {
      this.#log.warn(
        { ghost: turn.ghost, room: turn.roomId, event: turn.eventId },
        "the agent refuses to answer unencrypted",
      );
      return fixed(notices.failed(turn, "in_clear", await words(), await targets.of(turn), call));
    }
    if (!voices.isFor(voice, turn)) {
      const notice = (await words()).chosenModelNotYours(voice.agent.displayName, withoutPath(voice.model), call);
      return fixed(notices.declined(turn, "not_your_model", notice, await targets.of(turn)));
    }
    summingUp.note(turn, voice, material);
    const note = await reminderNote(turn, words);
    const manner = { direct, material, words, call, ...(note === undefined ? {} : { note }) };
    const reply = await voiceAnswers.respond(voice, turn, manner, asking);
    const isFinal = reply.outcome !== "failed" || !CALLS_FOR_ANOTHER.has(reply.failure) || (reply.partial ?? "") !== "";
    return isFinal || signal.aborted ? reply : this.#respondInstead(voice, turn, manner, reply, asking);
  }

  /** Makes a call of a turn's model ready. */
  async #ready(turn: Turn, source: Source, step: OpenCall, asking: ReadyAsking): Promise<ReadyCall> {
    const { voices, gatherer, voiceAnswers } = this.#parts;
    const voice = voices.in(turn, source.set);
    if (voice === undefined || !voices.isFor(voice, turn)) return { may: "refuse", answer: NOT_OFFERED };
    const material = await gatherer.gather(turn, source, asking.signal);
    // The gate and the sender of a question about the call read this mark.
    if (material.encrypted && !turn.encrypted) await this.#turns.markEncrypted(turn);
    const words = once(() => this.#language.wordsWith(source.set, turn.ghost, turn.roomId));
    return voiceAnswers.ready(voice, turn, { material, words }, step, asking);
  }

  /** The reply of an answer that was stopped during a call. */
  async #stoppedIn(turn: Turn, source: Source, call: ProposedCall, steps: readonly TurnStep[]): Promise<TurnReply> {
    const words = await this.#language.wordsWith(source.set, turn.ghost, turn.roomId);
    const target = await this.#parts.targets.of(turn);
    const { said, note } = stoppedInCall(steps, call, words);
    if (said === "") return { outcome: "stopped", messages: [{ content: noticeContent(note, target, markOf(turn)) }] };
    const messages = await answerMessages(said, turn, target, toAsker(turn, target.follows), note);
    return { outcome: "stopped", messages };
  }

  /** The answer of another agent's model, if one may answer; else the given reply. */
  async #respondInstead(
    voice: Voice,
    turn: Turn,
    manner: Manner,
    reply: TurnReply,
    asking: Asking,
  ): Promise<TurnReply | CallsWanted> {
    const { voices, voiceAnswers } = this.#parts;
    const other = await voices.fallbackOf(voice, turn, manner.material.encrypted);
    if (other === undefined) return reply;
    const ids = { ghost: turn.ghost, room: turn.roomId, event: turn.eventId };
    this.#log.info({ ...ids, by: other.by.name }, "another agent's model answers");
    const note = (await manner.words()).fallback(other.by.displayName, withoutPath(other.model));
    const below = [note, manner.note].filter((line) => line !== undefined).join(" ");
    const instead = await voiceAnswers.respond(other, turn, { ...manner, note: below }, asking);
    return instead.outcome === "failed" ? reply : instead;
  }

  /** Counts the tokens of a finished turn, and summarises a conversation that has become too long. */
  async ended(turn: Turn, reply: TurnReply): Promise<void> {
    const usage = reply.outcome === "answered" ? reply.usage : undefined;
    const said = reply.messages.reduce((sum, { remembered = "" }) => sum + estimateTokens(remembered), 0);
    const tokens = usage === undefined ? said : usage.promptTokens + usage.answerTokens;
    await this.#allowances.spend(usersOf(turn), tokens);
    await this.#parts.summingUp.after(turn, said);
  }

  /** The reply of a turn that failed for reasons of our own. */
  async giveUp(turn: Turn, why: "unknown" | "waited" | "timeout"): Promise<TurnReply> {
    const words = await this.#language.words(turn.ghost, turn.roomId);
    return this.#parts.notices.failed(turn, why, words, await this.#parts.targets.of(turn));
  }

  /** The answer that a turn should edit, with all its parts; empty when it should send a new message. */
  toBeEdited(turn: Turn): Promise<readonly string[]> {
    return this.#parts.memory.toBeEdited(turn);
  }

  /** The content of a message with the file of a tool's result, which is uploaded; see {@link ToolFiles}. */
  withUpload(turn: Turn, message: MessageWithFile): Promise<MessageContent> {
    return this.#parts.toolFiles.withUpload(turn, message);
  }

  /** Makes ready to store an agent's messages. */
  remembering(tx: Queryable, turn: Turn): Promise<RememberMessage> {
    return this.#parts.memory.remembering(tx, turn);
  }
}

/** A reminder counts as late from then on, in ms: a turn may wait for others. */
const LATE_MS = 600_000;

/** Says that an answer is a reminder's, how it is ended, and whether it is late; undefined for other answers. */
async function reminderNote({ eventId, round }: Turn, words: () => Promise<Words>): Promise<string | undefined> {
  const occasion = occasionOf(eventId);
  if (occasion === undefined) return undefined;
  const lateMs = Date.now() - occasion.due;
  const isLate = round === 0 && lateMs >= LATE_MS;
  return (await words()).commands.reminders.due(occasion.id, isLate ? Math.round(lateMs / 60_000) : undefined);
}

/** Work that is done when it is first needed, and then not again. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined;
  return () => (done ??= work());
}
