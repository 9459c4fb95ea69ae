import { shownName } from "../addressing/candidate.ts";
import type { WrittenCommand } from "../addressing/written-command.ts";
import { noticeContent } from "../answering/reply.ts";
import { CommandDesk } from "../commands/command-desk.ts";
import { decideIn } from "../permissions/in-room.ts";
import { actOf } from "../addressing/act.ts";
import { isToolWord } from "../commands/code-word.ts";
import { commandOf } from "../commands/given-command.ts";
import type { EnteredRoom, EventHandler } from "../ghost/event-handler.ts";
import type { GhostHandle } from "../ghost/ghost-handle.ts";
import { combined, type Outcome } from "../ghost/outcome.ts";
import type { GhostMessage, GhostReaction, GhostRedaction } from "../ghost/received.ts";
import { Admission } from "../turns/admission.ts";
import { AgentMessages } from "./agent-messages.ts";
import { askBot } from "./bot-messages.ts";
import type { ConversationOptions } from "./conversation-options.ts";
import { Edits } from "./edits.ts";
import { left } from "./leaving.ts";
import { MessageClassifier } from "./message-classifier.ts";
import { Notices } from "./notices.ts";
import { Overheard } from "./overheard.ts";
import { PlainAnswers } from "./plain-answers.ts";
import { Questions } from "./questions.ts";
import { Reactions } from "./reactions.ts";
import { redacted } from "./redaction.ts";
import { refused } from "./refused.ts";
import { unreadKindOf } from "./unread-kinds.ts";
import { Welcome } from "./welcome.ts";

/** Decides about messages, reactions and deletions that reach an agent: they start its turns, or end them early. */
export class Conversation implements EventHandler {
  readonly notices: Notices;
  readonly #options: ConversationOptions;
  readonly #classifier: MessageClassifier;
  readonly #questions: Questions;
  readonly #plainAnswers: PlainAnswers;
  readonly #edits: Edits;
  readonly #overheard: Overheard;
  readonly #agentMessages: AgentMessages;
  readonly #reactions: Reactions;
  readonly #welcome: Welcome;
  readonly #desk: CommandDesk;

  constructor(options: ConversationOptions) {
    this.#options = options;
    const admission = new Admission(options);
    const classifier = new MessageClassifier(options);
    const questions = new Questions(options, { admission, classifier });
    this.#classifier = classifier;
    this.#questions = questions;
    this.#plainAnswers = new PlainAnswers(options);
    this.#edits = new Edits(options, { admission, classifier, questions });
    this.#overheard = new Overheard(options, { classifier, questions });
    this.#agentMessages = new AgentMessages(options, { admission, classifier });
    this.#reactions = new Reactions(options, { admission, questions, plainAnswers: this.#plainAnswers });
    this.#welcome = new Welcome(options);
    this.notices = new Notices(options, { classifier, welcome: this.#welcome });
    this.#desk = new CommandDesk(options, admission);
  }

  /** Decides about a message that reached a ghost. */
  async message(ghost: GhostHandle, message: GhostMessage): Promise<Outcome> {
    const decision = await this.#classifier.classify(ghost, message);
    const written = commandOf(ghost, message, decision);
    const act = actOf(decision, written !== undefined);
    if (act !== undefined) {
      const permitted = await decideIn(this.#options.permissions, ghost, act, message);
      if (!permitted.allowed) return refused(this.#options, ghost, message, decision, permitted.reason);
    }
    switch (decision.kind) {
      case "agent":
        return this.#agentMessages.said(ghost, message, decision);
      case "ignored":
        ghost.log.debug({ room: message.roomId, event: message.eventId, reason: decision.reason }, "message ignored");
        await this.#tellUnread(ghost, message);
        return {};
      case "doubtful_edit":
        return this.#edits.editedInDoubt(ghost, message, decision.target);
      case "overheard":
        if (written === undefined || ghost.isBot) return this.#overheard.overheard(ghost, message, decision);
        if (written.name === "stop") return this.#overheard.stopAll(ghost, message);
        if (isToolWord(written)) return this.#toolWord(ghost, message, written, decision.threadRoot);
        return this.#desk.carryOutBare(ghost, message, written, decision.threadRoot);
      case "edit":
        return this.#edits.edited(ghost, message, decision);
      case "addressed": {
        const { text, threadRoot } = decision;
        if (ghost.isBot) return askBot(this.#options, ghost, message, text, threadRoot);
        const given = written ?? (await this.#plainAnswers.commandOf(ghost, message, text));
        if (given === "told") return {};
        const outcome =
          given === undefined
            ? await this.#questions.ask(ghost, message, text, threadRoot)
            : await this.#desk.carryOut(ghost, message, given, threadRoot);
        // The bridge's commands, or the kind of the room, may have changed.
        return combined(outcome, { after: () => this.#welcome.keepMenus(ghost, message.roomId, message.direct) });
      }
    }
  }

  joined(ghost: GhostHandle, room: EnteredRoom): Promise<void> {
    return this.#welcome.joined(ghost, room);
  }

  left(ghost: GhostHandle, roomId: string): Promise<Outcome> {
    return left(this.#options, ghost, roomId);
  }

  redacted(ghost: GhostHandle, redaction: GhostRedaction): Promise<Outcome> {
    return redacted(this.#options, ghost, redaction);
  }

  reaction(ghost: GhostHandle, reaction: GhostReaction): Promise<Outcome> {
    return this.#reactions.reaction(ghost, reaction);
  }

  /** A word about a call of a tool, to nobody in particular: its code says whose call it is. */
  async #toolWord(
    ghost: GhostHandle,
    message: GhostMessage,
    written: WrittenCommand,
    threadRoot: string | undefined,
  ): Promise<Outcome> {
    if (!(await this.#plainAnswers.isAboutMine(ghost, message.roomId, written))) return {};
    return this.#desk.carryOut(ghost, message, written, threadRoot);
  }

  /** Says once in a direct chat that the agent can't use this kind of message. */
  async #tellUnread(ghost: GhostHandle, message: GhostMessage): Promise<void> {
    const { roomId, sender, content } = message;
    const kind = message.direct && !this.#options.isAgent(sender) ? unreadKindOf(content) : undefined;
    if (kind === undefined || !(await decideIn(this.#options.permissions, ghost, "message", message)).allowed) return;
    const words = await this.#options.language.words(ghost.userId, roomId);
    const notice = noticeContent(words.unread[kind](shownName(this.#options.agentOf(ghost.userId), ghost.userId)));
    await ghost.send(roomId, "m.room.message", notice, `unread ${kind} ${roomId}`, { form: "of_room" });
  }
}
