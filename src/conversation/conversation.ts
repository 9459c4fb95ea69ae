import type { Queryable } from "../database/database.ts";
import type { AnswerSettings } from "../config/config.ts";
import type { Agent } from "../ghost/agents.ts";
import type { GhostHandle, GhostMessage, GhostReaction, GhostRedaction, Settle } from "../ghost/listener.ts";
import type { UnreadMessage } from "../ghost/missing-keys.ts";
import type { Logger } from "../observability/log.ts";
import { mayTalk } from "../policy/access.ts";
import type { Distrust } from "../policy/trust.ts";
import { DEMO_MODEL } from "../providers/demo.ts";
import { ProviderError, type ChatUsage, type Provider } from "../providers/provider.ts";
import type { RoomSettingsStore } from "../rooms/settings.ts";
import { DRAFT_STEP, type Drafting } from "../turns/turn-runner.ts";
import { stepOf, TurnStopped, type Turn, type TurnMessage, type TurnReply } from "../turns/turn.ts";
import type { NewTurn, TurnStore } from "../turns/turn-store.ts";
import { addressing, repliedEvent, threadOf, type Addressing } from "./addressing.ts";
import { answerBot } from "./bot.ts";
import { attachmentOf, type Attachment } from "./attachments.ts";
import { addresseeOf } from "./addressee.ts";
import { CommandDesk } from "./command-desk.ts";
import { writtenCommand } from "./commands.ts";
import type { History, RememberedMessage } from "./history.ts";
import {
  describeDistrust,
  describeFailure,
  describeMissingKey,
  describeUnseenVerification,
  describeUnsignedAgent,
  type TurnFailure,
} from "./notices.ts";
import { answerReserve, buildPrompt } from "./prompt.ts";
import {
  answerContent,
  draftContent,
  editContent,
  noticeContent,
  reactionContent,
  withThinking,
  type MessageContent,
  type ReplyTarget,
} from "./reply.ts";
import { readFiles, UnreadableFile } from "./reading.ts";
import { wishOf } from "./reactions.ts";
import { splitMarkdown } from "./split.ts";
import { estimateTokens } from "./tokens.ts";
import { reached } from "../observability/steps.ts";

/** What the conversation needs of its surroundings. */
export interface ConversationOptions {
  readonly history: History;
  readonly turns: TurnStore;
  /** Called after a turn was queued and committed. */
  readonly turnQueued: () => void;
  /** Called after running turns were to be stopped and that was committed. */
  readonly stopTurns: (ids: readonly number[], how: { readonly keeps: boolean }) => void;
  readonly isAgent: (userId: string) => boolean;
  /** The agent behind a ghost, as it is now; undefined when its model has gone. */
  readonly agentOf: (ghost: string) => Agent | undefined;
  readonly agents: () => readonly { readonly userId: string; readonly agent: Agent }[];
  readonly provider: (name: string) => Provider | undefined;
  /** Globs of the users who may talk with agents. */
  readonly allowedUsers: readonly string[];
  readonly limits: {
    /** Questions that may wait in one conversation. */
    readonly maxQueued: number;
    /** A message that had to wait for its key for longer is not answered any more, in ms. */
    readonly maxWaitMs: number;
  };
  readonly answers: AnswerSettings;
  /** A file that somebody sent. Rejects with {@link UnreadableFile}, or as it is when the same may work later. */
  readonly download: (ghost: string, attachment: Attachment, maxBytes: number) => Promise<Uint8Array>;
  /** What people have set in rooms. */
  readonly settings: RoomSettingsStore;
  readonly log: Logger;
}

/** How many messages back a prompt reaches at the most, however short they are. */
const MAX_PROMPT_MESSAGES = 200;

/** An event is at most 65,536 bytes; encrypted it takes a third more, and as an edit, with the body twice, double. */
const MAX_CONTENT_BYTES = 22_000;

/** In a group an agent answers who means it, and in threads that it takes part in. */
const DEFAULT_RESPOND = "thread";

/** What a model is told that is to say more. */
const GO_ON = "Go on exactly where you stopped. Do not repeat anything that you have said already.";

/** The reaction to a question that was taken, where that is wanted. */
const TAKEN = "👀";

/** The reaction to a message that was read too late to be answered. */
const READ_LATE = "⌛";

/** Decides what a message is to an agent, and makes the answer: the two ends of a turn. */
export class Conversation {
  readonly #options: ConversationOptions;
  readonly #desk: CommandDesk;

  constructor(options: ConversationOptions) {
    this.#options = options;
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
        if (answer !== undefined) await ghost.redact(roomId, answer, `${target} deleted ${answer}`);
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

  /** The answer that a turn is to edit: all its parts; empty when it is to be a message of its own. */
  async toBeEdited(turn: Turn): Promise<readonly string[]> {
    return turn.kind === "edit" ? this.#options.history.answersTo(turn.ghost, turn.roomId, turn.eventId) : [];
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

  /**
   * Asks the model of a turn's agent and composes the answer, or the notice that says why there is none. An answer that
   * was stopped (TurnStopped) is what there is of it.
   *
   * @param show is told the answer as far as it has come.
   */
  async respond(turn: Turn, direct: boolean, show: (text: string) => void, signal: AbortSignal): Promise<TurnReply> {
    const agent = this.#options.agentOf(turn.ghost);
    const provider = agent === undefined ? undefined : this.#options.provider(agent.provider);
    if (agent === undefined || provider === undefined) {
      return this.#failed(turn, "model_missing", undefined);
    }
    const messages = await this.#messagesFor(turn);
    const set = await this.#options.settings.get(turn.ghost, turn.roomId);
    const temperature = set.temperature ?? agent.temperature;
    let text = "";
    let thinking = "";
    let usage: ChatUsage | undefined;
    try {
      const model = set.model ?? agent.model ?? DEMO_MODEL;
      const readMessages = await readFiles(messages, {
        canSee: () => provider.canSee(model),
        download: (attachment, maxBytes) => this.#options.download(turn.ghost, attachment, maxBytes),
      });
      for await (const chunk of provider.chat({
        model,
        messages: buildPrompt({
          systemPrompt: set.system ?? agent.systemPrompt,
          keepInMind: set.remember,
          agentName: agent.displayName,
          group: !direct,
          messages: readMessages,
          budgetTokens: agent.contextTokens - answerReserve(agent.contextTokens),
          estimateTokens,
        }),
        contextTokens: agent.contextTokens,
        ...(temperature === undefined ? {} : { temperature }),
        ...(agent.keepAlive === undefined ? {} : { keepAlive: agent.keepAlive }),
        signal,
      })) {
        if (chunk.kind === "text") {
          text += chunk.text;
          show(text);
        } else if (chunk.kind === "thinking") thinking += chunk.text;
        else usage = chunk.usage;
        reached("model.chunk");
      }
      if (text.trim() === "") throw new ProviderError("empty", "the answer holds no text");
      return {
        outcome: "answered",
        messages: this.#thoughtful(answerMessages(text.trim(), turn), thinking),
        ...(usage === undefined ? {} : { usage }),
      };
    } catch (error) {
      const said = text.trim();
      if (signal.aborted) {
        if (signal.reason instanceof TurnStopped) {
          if (!signal.reason.keeps) return { outcome: "stopped", messages: [], withdrawn: true };
          return { outcome: "stopped", messages: said === "" ? [] : answerMessages(said, turn) };
        }
        if (isTimeout(signal.reason)) return { ...this.#failed(turn, "timeout", agent), partial: said };
        throw error;
      }
      if (error instanceof UnreadableFile) return this.#failed(turn, error.why, agent);
      if (!(error instanceof ProviderError)) throw error;
      this.#options.log.warn({ ghost: turn.ghost, room: turn.roomId, event: turn.eventId, error }, "no answer");
      const failed = this.#failed(turn, error.code, agent);
      // Nothing was said: the server is away, or was just going. What was begun is not begun again.
      const isAway = error.code === "unreachable" || (error.code === "cut_off" && text === "");
      return isAway ? { ...failed, retry: true } : { ...failed, partial: said };
    }
  }

  /** How the answer of a turn is shown while it is made. */
  async drafting(turn: Turn): Promise<Drafting> {
    const { maxEdits } = this.#options.answers;
    const { stream = this.#options.answers.stream } = await this.#options.settings.get(turn.ghost, turn.roomId);
    const begin = (text: string): MessageContent => {
      const [beginning = text] = splitMarkdown(text, (part) => fits(part, turn));
      return draftContent(beginning, targetOf(turn), turn.asker);
    };
    return {
      shows: stream !== "off",
      maxEdits,
      begin,
      edit: (eventId, text) => editContent(eventId, begin(text)),
      finish: (reply, [draft, ...others]) => {
        const whole = withPartial(reply, turn);
        if (whole.withdrawn === true) return { ...whole, redacts: [draft, ...others] };
        // What a former process has shown stays as it is: the words are not known here.
        if (whole.messages.length === 0) return whole;
        if (stream === "replace" && turn.kind !== "edit") return { ...whole, redacts: [draft, ...others] };
        return { ...edited(whole, draft), redacts: others };
      },
    };
  }

  /** What to say of a turn that failed for reasons of our own. */
  giveUp(turn: Turn, why: "unknown" | "waited" | "timeout"): TurnReply {
    return this.#failed(turn, why, this.#options.agentOf(turn.ghost));
  }

  /** The notice about a message that an agent can't read. */
  missingKey(message: UnreadMessage): MessageContent {
    return noticeContent(describeMissingKey(this.#nameOf(message.ghost), message.withheld), message);
  }

  /** Keeps what an agent has said. */
  async remember(tx: Queryable, turn: Turn, eventId: string, text: string): Promise<void> {
    await this.#options.history.remember(tx, turn.ghost, turn.roomId, {
      eventId,
      author: "agent",
      sender: turn.ghost,
      speaker: this.#options.agentOf(turn.ghost)?.displayName ?? turn.ghost,
      body: text,
      sentAt: Date.now(),
      answers: turn.position,
      threadRoot: turn.threadRoot,
    });
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

  /** The answer with what the model said to itself above its beginning, where that is wanted. */
  #thoughtful(messages: readonly TurnMessage[], thinking: string): readonly TurnMessage[] {
    const [first, ...others] = messages;
    if (!this.#options.answers.thinking || thinking.trim() === "" || first === undefined) return messages;
    const content = withThinking(first.content, thinking);
    return isSmall(content) ? [{ ...first, content }, ...others] : messages;
  }

  async #messagesFor(turn: Turn): Promise<readonly RememberedMessage[]> {
    const { ghost, roomId, position, kind, threadRoot } = turn;
    const isMore = kind === "continue";
    const messages = await this.#options.history.upTo(ghost, roomId, position, MAX_PROMPT_MESSAGES, {
      withAnswer: isMore,
      threadRoot,
    });
    const question = messages.find(({ eventId }) => eventId === turn.eventId);
    return isMore && question !== undefined ? [...messages, { ...question, body: GO_ON }] : messages;
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
      if (isFull) await turns.decline(tx, turn, this.#failed(turn, "full", this.#options.agentOf(turn.ghost)));
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

  #failed(turn: NewTurn, failure: TurnFailure, agent: Agent | undefined): TurnReply {
    const words = describeFailure({
      code: failure,
      agentName: agent?.displayName ?? turn.ghost,
      model: agent?.model ?? "",
      providerName: agent?.provider ?? "",
    });
    return { outcome: "failed", failure, messages: [{ content: noticeContent(words, targetOf(turn)) }] };
  }
}

function remembered(message: GhostMessage, speaker: string, body: string): RememberedMessage {
  const { eventId, sender, sentAt, shield } = message;
  return { eventId, author: "person", sender, speaker, body, sentAt, ...(shield === undefined ? {} : { shield }) };
}

/** What was shown before an answer failed, and under it why there is no more; as it is when nothing was. */
function withPartial(reply: TurnReply, turn: Turn): TurnReply {
  const { partial, ...rest } = reply;
  const why = reply.messages[0]?.content["body"];
  if (partial === undefined || partial === "" || typeof why !== "string") return rest;
  const parts = answerMessages(partial, turn);
  const last = parts.pop();
  if (last?.remembered === undefined) return rest;
  const content = answerContent(`${last.remembered}\n\n*${why}*`, targetOf(turn), turn.asker);
  return { ...rest, messages: [...parts, { ...last, content }] };
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === "TimeoutError";
}

/** The reply with its first message as the last form of the draft. */
function edited(reply: TurnReply, eventId: string): TurnReply {
  const [first, ...others] = reply.messages;
  if (first === undefined) return reply;
  return {
    ...reply,
    messages: [{ ...first, content: editContent(eventId, first.content), editOf: eventId }, ...others],
  };
}

function fits(part: string, turn: Turn): boolean {
  return isSmall(answerContent(part, targetOf(turn), turn.asker));
}

function isSmall(content: MessageContent): boolean {
  return Buffer.byteLength(JSON.stringify(content)) <= MAX_CONTENT_BYTES;
}

function targetOf(turn: Pick<Turn, "eventId" | "threadRoot">): ReplyTarget {
  return { eventId: turn.eventId, threadRoot: turn.threadRoot };
}

/** One message, or several where one would be too large; only the last one mentions the asker. */
function answerMessages(markdown: string, turn: Turn): TurnMessage[] {
  const parts = splitMarkdown(markdown, (part) => fits(part, turn));
  return parts.map((part, index) => {
    const content = answerContent(part, targetOf(turn), turn.asker);
    const isLast = index === parts.length - 1;
    return { content: isLast ? content : { ...content, "m.mentions": {} }, remembered: part };
  });
}
