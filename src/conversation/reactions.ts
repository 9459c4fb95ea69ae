import { afterDecision } from "../answering/after-decision.ts";
import { decideIn, moderates } from "../permissions/in-room.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import { combined, type Outcome } from "../ghost/outcome.ts";
import type { GhostReaction } from "../ghost/received.ts";
import { rateAnswer } from "../memory/feedback.ts";
import type { Admission } from "../turns/admission.ts";
import { stopping } from "../turns/stopping.ts";
import { stepOf } from "../turns/turn.ts";
import { ANSWER_STEP } from "../turns/turn-runner.ts";
import type { ConversationOptions } from "./conversation-options.ts";
import type { PlainAnswers } from "./plain-answers.ts";
import type { Questions } from "./questions.ts";
import { decisionOf, wishOf } from "./wishes.ts";
import { tellTooLongAgo } from "./too-long-ago.ts";

type ReactionsOptions = Pick<
  ConversationOptions,
  | "consents"
  | "exchanges"
  | "failureNotices"
  | "history"
  | "isAgent"
  | "isEncrypted"
  | "language"
  | "limits"
  | "permissions"
  | "waitsStopped"
  | "stopTurns"
  | "toolDecisions"
  | "turnQueued"
  | "turns"
>;

/** Decides about reactions to events. */
export class Reactions {
  readonly #options: ReactionsOptions;
  readonly #admission: Admission;
  readonly #questions: Questions;
  readonly #plainAnswers: PlainAnswers;

  constructor(
    options: ReactionsOptions,
    parts: {
      readonly admission: Admission;
      readonly questions: Questions;
      readonly plainAnswers: PlainAnswers;
    },
  ) {
    this.#options = options;
    this.#admission = parts.admission;
    this.#questions = parts.questions;
    this.#plainAnswers = parts.plainAnswers;
  }

  /** Carries out a reaction if it comes from the asker or a moderator of the room. */
  async reaction(ghost: GhostHandle, reaction: GhostReaction): Promise<Outcome> {
    const { history, turns, exchanges, permissions } = this.#options;
    const { roomId, sender, target, eventId } = reaction;
    const wish = wishOf(reaction.key);
    if ((wish ?? decisionOf(reaction.key)) === undefined || this.#options.isAgent(sender)) return {};
    const permitted = await decideIn(permissions, ghost, "reaction", reaction);
    if (!permitted.allowed) {
      ghost.log.info({ room: roomId, event: eventId, reason: permitted.reason }, "reaction refused");
      return {};
    }
    if (wish === undefined) return this.#decided(ghost, reaction);
    let about = await turns.about(ghost.userId, roomId, target);
    if (about === undefined && (await history.isOwn(ghost.userId, roomId, target))) {
      // People may react before the end of the answer is stored, which may be between these reads.
      about = await turns.about(ghost.userId, roomId, target);
      const isOld = about === undefined && (wish === "again" || wish === "continue");
      if (isOld) await tellTooLongAgo(this.#options.language, ghost, roomId, target);
    }
    if (about === undefined) return {};
    const { turn, isOpen, answer } = about;
    const log = ghost.log.child({ room: roomId, event: turn.eventId, wish });
    if (sender !== turn.asker && !(await moderates(permissions, ghost, reaction))) {
      log.info({ user: sender }, "reaction ignored: neither the asker nor a moderator");
      return {};
    }
    if (wish === "good" || wish === "bad") {
      if (answer === undefined) return {};
      const rating = { roomId, answer, sender, reaction: eventId, good: wish === "good" };
      return { store: (tx) => rateAnswer(tx, ghost.userId, rating) };
    }
    if (wish === "stop") {
      const which = { ghost: ghost.userId, roomId, eventId: turn.eventId };
      return combined(stopping(this.#options, which, { keeps: true }), {
        store: (tx) => exchanges.stop(tx, roomId, { origin: turn.origin }),
        after: () => log.info("a reaction stopped the answer"),
      });
    }
    if (isOpen) return {};
    const words = await this.#options.language.words(ghost.userId, roomId);
    return {
      store: async (tx) => {
        const { eventId: question, threadRoot } = turn;
        const notNow = await this.#admission.take(tx, { ghost: ghost.userId, roomId, asker: sender });
        const refusal = notNow && this.#questions.refusal(turn, notNow, words, { eventId: question, threadRoot });
        // Without an answer there is nothing to continue.
        const kind = target === turn.eventId || answer !== undefined ? wish : "again";
        if (refusal === undefined) await turns.enqueueAgain(tx, ghost.userId, question, kind);
        else await turns.declineAgain(tx, turn, refusal);
      },
      after: () => {
        log.info("a reaction asks the question again");
        this.#options.turnQueued();
      },
    };
  }

  /**
   * A reaction to the request for consent: a moderator of the room decides. In an encrypted room reactions do not
   * count: they are unencrypted there too, so a homeserver could forge them, and their relation stands outside the
   * ciphertext.
   */
  async #decided(ghost: GhostHandle, reaction: GhostReaction): Promise<Outcome> {
    const { turns, limits, consents, failureNotices, isEncrypted, permissions, turnQueued } = this.#options;
    const { roomId, sender, target, key } = reaction;
    const granted = decisionOf(key) ?? false;
    const asked: (string | undefined)[] = [];
    const waiting = await turns.consent.withoutConsent(ghost.userId, roomId);
    for (const { turn } of waiting) asked.push(await ghost.sent(roomId, stepOf(turn, ANSWER_STEP)));
    const about = waiting[asked.indexOf(target)];
    if (about === undefined) return this.#decidedAboutCall(ghost, reaction);
    const log = ghost.log.child({ room: roomId, user: sender, target: about.target, granted });
    if (about.turn.encrypted || (await isEncrypted(roomId))) {
      log.info("reaction ignored: it can't decide in an encrypted room");
      return {};
    }
    if (!(await moderates(permissions, ghost, reaction))) {
      log.info("decision ignored: not a moderator");
      return {};
    }
    const words = await this.#options.language.words(ghost.userId, roomId);
    const where = { roomId, ghost: ghost.userId, target: about.target };
    return {
      store: async (tx) => {
        // A reaction's key stands outside the ciphertext, if there is one.
        await consents.decide(tx, where, { granted, encrypted: false }, sender);
        await afterDecision(tx, where, granted, { turns, limits, failureNotices, words });
      },
      after: () => {
        log.info("a decision about sending to the cloud was recorded");
        turnQueued();
      },
    };
  }

  /** A reaction to a question about a call of a tool; it does not count in encrypted rooms either. */
  async #decidedAboutCall(ghost: GhostHandle, { roomId, sender, target, key }: GhostReaction): Promise<Outcome> {
    const question = await this.#plainAnswers.questionOf(ghost, roomId, target);
    if (question === undefined) return {};
    const log = ghost.log.child({ room: roomId, user: sender, event: question.turn.eventId });
    const word = decisionOf(key) === true ? "approve" : "refuse";
    const verdict = await this.#options.toolDecisions.decide(ghost, question, { sender, encrypted: false }, word);
    if (verdict.kind !== "taken") {
      log.info({ reason: verdict.kind }, "reaction ignored: it can't decide about this call");
      return {};
    }
    return combined(verdict.outcome, {
      after: () => {
        log.info("a decision about a call of a tool was recorded");
        this.#options.turnQueued();
      },
    });
  }
}
