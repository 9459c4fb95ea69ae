import type { Agent } from "../ghost/agents.ts";
import { isRetryable } from "../ghost/failure.ts";
import type { GhostHandle, GhostMessage, GhostReaction, GhostRedaction, Settle } from "../ghost/listener.ts";
import type { UnreadMessage } from "../ghost/missing-keys.ts";
import { reached } from "../observability/steps.ts";
import { mayTalk } from "../policy/access.ts";
import type { Distrust } from "../policy/trust.ts";
import { DRAFT_STEP } from "../turns/turn-runner.ts";
import type { TurnStore } from "../turns/turn-store.ts";
import { stepOf } from "../turns/turn.ts";
import { addresseeOf } from "./addressee.ts";
import { addressing, repliedEvent, threadOf, type Addressing } from "./addressing.ts";
import { Answering, type AnsweringOptions } from "./answering.ts";
import { attachmentOf } from "./attachments.ts";
import { answerBot } from "./bot.ts";
import { CommandDesk } from "./command-desk.ts";
import { writtenCommand } from "./commands.ts";
import type { RememberedMessage } from "./history.ts";
import { describeDistrust, describeMissingKey, describeUnseenVerification, describeUnsignedAgent } from "./notices.ts";
import { wishOf } from "./reactions.ts";
import { noticeContent, reactionContent, type MessageContent } from "./reply.ts";

/** What the conversation needs of its surroundings. */
export interface ConversationOptions extends AnsweringOptions {
  readonly turns: TurnStore;
  /** Called after a turn was queued and committed. */
  readonly turnQueued: () => void;
  /** Called after running turns were to be stopped and that was committed. */
  readonly stopTurns: (ids: readonly number[], how: { readonly keeps: boolean }) => void;
  readonly isAgent: (userId: string) => boolean;
  readonly agents: () => readonly { readonly userId: string; readonly agent: Agent }[];
  /** Globs of the users who may talk with agents. */
  readonly allowedUsers: readonly string[];
  readonly limits: {
    /** Questions that may wait in one conversation. */
    readonly maxQueued: number;
    /** A message that had to wait for its key for longer is not answered any more, in ms. */
    readonly maxWaitMs: number;
  };
}

/** In a group an agent answers who means it, and in threads that it takes part in. */
const DEFAULT_RESPOND = "thread";

/** The reaction to a question that was taken, where that is wanted. */
const TAKEN = "👀";

/** The reaction to a message that was read too late to be answered. */
const READ_LATE = "⌛";

/** Decides what a message, a reaction or a deletion is to an agent: the beginning of its turns, and what ends them early. */
export class Conversation {
  readonly answering: Answering;
  readonly #options: ConversationOptions;
  readonly #desk: CommandDesk;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.answering = new Answering(options);
    this.#desk = new CommandDesk(options);
  }

  /**
   * Takes a message that reached a ghost. Whatever comes of it is stored by `settle`, together with the end of the
   * message in the mailbox.
   */
  async message(ghost: GhostHandle, message: GhostMessage, settle: Settle): Promise<void> {
    const decision = await this.#address(ghost, message);
    if (decision.kind !== "ignored" && !mayTalk(this.#options.allowedUsers, message.sender)) {
      const level = decision.kind === "overheard" ? "debug" : "info";
      ghost.log[level]({ room: message.roomId, event: message.eventId }, "message of a user without access ignored");
      await settle();
      return;
    }
    switch (decision.kind) {
      case "ignored":
        ghost.log.debug({ room: message.roomId, event: message.eventId, reason: decision.reason }, "message ignored");
        await settle();
        return;
      case "overheard":
        if (writtenCommand(decision.text)?.name === "stop" && !ghost.isBot) await this.#stopAll(ghost, message, settle);
        else await this.#overhear(ghost, message, decision, settle);
        return;
      case "edit":
        await this.#edited(ghost, message, decision, settle);
        return;
      case "addressed": {
        if (ghost.isBot) {
          await this.#askBot(ghost, message, decision.text, decision.threadRoot, settle);
          return;
        }
        const written = attachmentOf(message.content) === undefined ? writtenCommand(decision.text) : undefined;
        if (written !== undefined) {
          await this.#desk.carryOut(ghost, message, written, decision.threadRoot, settle);
        } else await this.#ask(ghost, message, decision.text, decision.threadRoot, settle);
        return;
      }
    }
  }

  /**
   * A message was deleted: it leaves no trace in what the agent remembers, its answer goes, and it is not answered if it has
   * not been yet.
   */
  async redacted(ghost: GhostHandle, { roomId, target }: GhostRedaction, settle: Settle): Promise<void> {
    const { history, turns, stopTurns } = this.#options;
    const about = await turns.about(ghost.userId, roomId, target);
    const isQuestion = about?.turn.eventId === target;
    if (isQuestion) {
      const draft = about.isOpen ? await ghost.sent(roomId, stepOf(about.turn, DRAFT_STEP)) : undefined;
      const answers = new Set([...(await history.answersTo(ghost.userId, roomId, target)), draft]);
      for (const answer of answers) {
        if (answer !== undefined) await takeBack(ghost, roomId, answer, `${target} deleted ${answer}`);
      }
    }
    let running: readonly number[] = [];
    await settle(async (tx) => {
      if (isQuestion) ({ running } = await turns.stop(tx, { ghost: ghost.userId, roomId, eventId: target }));
      await history.forget(tx, ghost.userId, roomId, target);
    });
    stopTurns(running, { keeps: false });
  }

  /** Somebody reacted to an event: what they wish for happens if it is theirs to wish, or they moderate the room. */
  async reaction(ghost: GhostHandle, reaction: GhostReaction, settle: Settle): Promise<void> {
    const { history, turns, stopTurns, allowedUsers } = this.#options;
    const { roomId, sender, target, eventId } = reaction;
    const wish = wishOf(reaction.key);
    if (wish === undefined || this.#options.isAgent(sender) || !mayTalk(allowedUsers, sender)) return settle();
    const about = await turns.about(ghost.userId, roomId, target);
    if (about === undefined) return settle();
    const { turn, isOpen } = about;
    const log = ghost.log.child({ room: roomId, event: turn.eventId, wish });
    if (wish === "good" || wish === "bad") {
      const rating = { roomId, answer: target, sender, reaction: eventId, good: wish === "good" };
      if (target === turn.eventId) return settle();
      await settle((tx) => history.rate(tx, ghost.userId, rating));
      return;
    }
    if (sender !== turn.asker && !(await ghost.isModerator(roomId, sender))) {
      log.info({ user: sender }, "a wish of somebody whose question it is not, and who does not moderate the room");
      return settle();
    }
    if (wish === "stop") {
      let running: readonly number[] = [];
      await settle(async (tx) => {
        ({ running } = await turns.stop(tx, { ghost: ghost.userId, roomId, eventId: turn.eventId }));
      });
      stopTurns(running, { keeps: true });
      log.info("stopped by a reaction");
      return;
    }
    if (isOpen) return settle();
    await settle(async (tx) => {
      await turns.enqueueAgain(tx, ghost.userId, turn.eventId, wish);
    });
    log.info("asked again by a reaction");
    this.#options.turnQueued();
  }

  /** Only who speaks to the agent is told that it does not listen. */
  async distrusted(ghost: GhostHandle, message: GhostMessage, why: Distrust): Promise<MessageContent | undefined> {
    const decision = await this.#address(ghost, message);
    if (decision.kind !== "addressed" || !mayTalk(this.#options.allowedUsers, message.sender)) return undefined;
    const words = describeDistrust(this.#nameOf(ghost.userId), message.sender, why);
    return noticeContent(words, { eventId: message.eventId, threadRoot: decision.threadRoot });
  }

  verifiedUnseen(ghost: GhostHandle): MessageContent {
    return noticeContent(describeUnseenVerification(this.#nameOf(ghost.userId)));
  }

  silenced(ghost: GhostHandle, userId: string): MessageContent {
    return noticeContent(describeDistrust(this.#nameOf(ghost.userId), userId, "verified_identity_changed"));
  }

  unsigned(ghost: GhostHandle): MessageContent {
    return noticeContent(describeUnsignedAgent(this.#nameOf(ghost.userId)));
  }

  /** The notice about a message that an agent can't read. */
  missingKey(message: UnreadMessage): MessageContent {
    return noticeContent(describeMissingKey(this.#nameOf(message.ghost), message.withheld), message);
  }

  #nameOf(ghost: string): string {
    return this.#options.agentOf(ghost)?.displayName ?? ghost;
  }

  async #address(ghost: GhostHandle, message: GhostMessage): Promise<Addressing> {
    const { isAgent, history, turns, settings, agentOf } = this.#options;
    const target = repliedEvent(message.content);
    const { userId } = ghost;
    const repliesToMe = target !== undefined && (await history.isOwn(userId, message.roomId, target));
    const { respond = DEFAULT_RESPOND } = await settings.get(userId, message.roomId);
    const root = threadOf(message.content);
    const inThread =
      root !== undefined &&
      ((await turns.isInThread(userId, message.roomId, root)) || (await history.isOwn(userId, message.roomId, root)));
    const addressee = addresseeOf(ghost, agentOf(userId), message, {
      respond: ghost.isBot ? "mention" : respond,
      inThread,
    });
    return addressing(message, addressee, isAgent, () => repliesToMe);
  }

  /** `!stop` to nobody, by a moderator, is for all agents of the room: each ends what it is answering, without a word. */
  async #stopAll(ghost: GhostHandle, message: GhostMessage, settle: Settle): Promise<void> {
    const { turns, stopTurns } = this.#options;
    if (!(await ghost.isModerator(message.roomId, message.sender))) return settle();
    let running: readonly number[] = [];
    await settle(async (tx) => {
      ({ running } = await turns.stop(tx, { ghost: ghost.userId, roomId: message.roomId }));
    });
    stopTurns(running, { keeps: true });
    ghost.log.info({ room: message.roomId, event: message.eventId }, "stopped with all agents of the room");
  }

  /** What people say to each other is kept only where the room has asked for it. */
  async #overhear(
    ghost: GhostHandle,
    message: GhostMessage,
    { text, threadRoot }: { readonly text: string; readonly threadRoot: string | undefined },
    settle: Settle,
  ): Promise<void> {
    const { settings, history } = this.#options;
    const { listen } = ghost.isBot ? {} : await settings.get(ghost.userId, message.roomId);
    if (listen !== "on" || text === "") {
      ghost.log.debug({ room: message.roomId, event: message.eventId, reason: "not addressed" }, "message ignored");
      return settle();
    }
    const speaker = await ghost.displayNameOf(message.roomId, message.sender);
    await settle(async (tx) => {
      await history.remember(tx, ghost.userId, message.roomId, { ...remembered(message, speaker, text), threadRoot });
    });
  }

  /** The words of a question were changed: its answer is, too. One that is being made is stopped for that. */
  async #edited(
    ghost: GhostHandle,
    message: GhostMessage,
    { target, text }: { readonly target: string; readonly text: string },
    settle: Settle,
  ): Promise<void> {
    const { history, turns, stopTurns, turnQueued } = this.#options;
    const about = await turns.about(ghost.userId, message.roomId, target);
    let running: readonly number[] = [];
    await settle(async (tx) => {
      const isNew = await history.edit(tx, ghost.userId, target, message.sender, text);
      if (!isNew || about?.turn.eventId !== target || about.turn.asker !== message.sender) return;
      const stopped = await turns.stop(tx, { ghost: ghost.userId, roomId: message.roomId, eventId: target });
      ({ running } = stopped);
      await turns.enqueueAgain(tx, ghost.userId, target, "edit");
    });
    stopTurns(running, { keeps: true });
    turnQueued();
  }

  /** Queues a question for the model. */
  async #ask(
    ghost: GhostHandle,
    message: GhostMessage,
    text: string,
    saidIn: string | undefined,
    settle: Settle,
  ): Promise<void> {
    const { limits, turns, settings } = this.#options;
    if (message.lateMs > limits.maxWaitMs) {
      await this.#markLate(ghost, message, text, settle);
      return;
    }
    const speaker = await ghost.displayNameOf(message.roomId, message.sender);
    const { threads } = await settings.get(ghost.userId, message.roomId);
    const threadRoot = saidIn ?? (threads === "on" && !message.direct ? message.eventId : undefined);
    await settle(async (tx) => {
      const attachment = attachmentOf(message.content);
      const question = { ...remembered(message, speaker, text), threadRoot, attachment };
      const position = await this.#options.history.remember(tx, ghost.userId, message.roomId, question);
      const turn = {
        ghost: ghost.userId,
        roomId: message.roomId,
        eventId: message.eventId,
        asker: message.sender,
        position,
        threadRoot,
      };
      const isFull = (await turns.open(tx, turn.ghost, turn.roomId)) >= limits.maxQueued;
      if (isFull) await turns.decline(tx, turn, this.answering.failed(turn, "full", this.#options.agentOf(turn.ghost)));
      else await turns.enqueue(tx, turn);
    });
    reached("turn.queued");
    ghost.markRead(message.roomId, message.eventId, threadRoot);
    if (this.#options.answers.acknowledge) ghost.react(message.roomId, message.eventId, TAKEN);
    this.#options.turnQueued();
  }

  /** The bot answers at once; what it says under the same step twice is said once. */
  async #askBot(
    ghost: GhostHandle,
    message: GhostMessage,
    text: string,
    threadRoot: string | undefined,
    settle: Settle,
  ): Promise<void> {
    const reply = noticeContent(answerBot(text, ghost.userId, this.#options.agents()), {
      eventId: message.eventId,
      threadRoot,
    });
    ghost.markRead(message.roomId, message.eventId, threadRoot);
    await ghost.send(message.roomId, "m.room.message", reply, `${message.eventId} bot`);
    await settle();
  }

  /** A message whose key came so late that an answer would surprise: it is remembered, and its writer sees that it was read. */
  async #markLate(ghost: GhostHandle, message: GhostMessage, text: string, settle: Settle): Promise<void> {
    await ghost.send(
      message.roomId,
      "m.reaction",
      reactionContent(message.eventId, READ_LATE),
      `${message.eventId} late`,
    );
    const speaker = await ghost.displayNameOf(message.roomId, message.sender);
    await settle(async (tx) => {
      await this.#options.history.remember(tx, ghost.userId, message.roomId, remembered(message, speaker, text));
    });
    ghost.log.info({ room: message.roomId, event: message.eventId, lateMs: message.lateMs }, "read too late to answer");
  }
}

function remembered(message: GhostMessage, speaker: string, body: string): RememberedMessage {
  const { eventId, sender, sentAt, shield } = message;
  return { eventId, author: "person", sender, speaker, body, sentAt, ...(shield === undefined ? {} : { shield }) };
}

/** What the homeserver will never take back stays; it must not keep the question from being forgotten. */
async function takeBack(ghost: GhostHandle, roomId: string, eventId: string, step: string): Promise<void> {
  await ghost.redact(roomId, eventId, step).catch((error: unknown) => {
    if (isRetryable(error)) throw error;
    ghost.log.warn({ room: roomId, event: eventId, error }, "an answer could not be taken back");
  });
}
