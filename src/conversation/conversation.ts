import { isRetryable } from "../ghost/failure.ts";
import type { GhostHandle, GhostMessage, GhostReaction, GhostRedaction, Settle } from "../ghost/listener.ts";
import type { UnreadMessage } from "../ghost/missing-keys.ts";
import { reached } from "../observability/steps.ts";
import type { Consents } from "../privacy/consents.ts";
import type { ProviderRequests } from "../privacy/provider-requests.ts";
import type { Permissions } from "../permissions/permissions.ts";
import type { Refusal } from "../policy/permissions.ts";
import type { Distrust } from "../policy/trust.ts";
import { ANSWER_STEP, DRAFT_STEP } from "../turns/turn-runner.ts";
import type { TurnStore } from "../turns/turn-store.ts";
import { usersOf, type Allowances } from "../turns/allowances.ts";
import type { Exchange } from "../turns/exchanges.ts";
import { stepOf } from "../turns/turn.ts";
import type { Addressing } from "./addressing.ts";
import { Answering, type AnsweringOptions } from "./answering.ts";
import { attachmentOf } from "./attachments.ts";
import { answerBot, type ListedAgent } from "./bot.ts";
import { Hearing } from "./hearing.ts";
import { CommandDesk } from "./command-desk.ts";
import { COMMAND_DESCRIPTION, commandDescriptions } from "./command-menu.ts";
import { actOf, commandOf, decideIn, moderates } from "./permitted.ts";
import type { RememberedMessage } from "./history.ts";
import { describeDistrust, describeMissingKey } from "./notices.ts";
import { decisionOf, wishOf } from "./reactions.ts";
import type { Pulls } from "./pulls.ts";
import { noticeContent, reactionContent, type MessageContent } from "./reply.ts";

/** What the conversation needs of its surroundings. */
export interface ConversationOptions extends AnsweringOptions {
  readonly turns: TurnStore;
  /** Called after a turn was queued and committed. */
  readonly turnQueued: () => void;
  /** Called after running turns were to be stopped and that was committed. */
  readonly stopTurns: (ids: readonly number[], how: { readonly keeps: boolean }) => void;
  readonly pulls: Pulls;
  readonly consents: Consents;
  readonly allowances: Allowances;
  readonly requests: ProviderRequests;
  readonly isEncrypted: (roomId: string) => Promise<boolean>;
  readonly isAgent: (userId: string) => boolean;
  readonly agents: () => readonly ListedAgent[];
  /** Asked before anything that somebody wants. */
  readonly permissions: Permissions;
  readonly limits: {
    /** Questions that may wait in one conversation. */
    readonly maxQueued: number;
    /** A message that had to wait for its key for longer is not answered any more, in ms. */
    readonly maxWaitMs: number;
  };
}

/** The reaction to a question that was taken, where that is wanted. */
const TAKEN = "👀";

/** The reaction to a message that was read too late to be answered. */
const READ_LATE = "⌛";

/** Decides what a message, a reaction or a deletion is to an agent: the beginning of its turns, and what ends them early. */
export class Conversation {
  readonly answering: Answering;
  readonly #options: ConversationOptions;
  readonly #hearing: Hearing;
  readonly #desk: CommandDesk;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.answering = new Answering(options);
    this.#hearing = new Hearing(options);
    this.#desk = new CommandDesk(options);
  }

  /**
   * Takes a message that reached a ghost. Whatever comes of it is stored by `settle`, together with the end of the
   * message in the mailbox.
   */
  async message(ghost: GhostHandle, message: GhostMessage, settle: Settle): Promise<void> {
    const decision = await this.#hearing.address(ghost, message);
    const written = commandOf(ghost, message, decision);
    const act = actOf(decision, written !== undefined);
    if (act !== undefined) {
      const permitted = await decideIn(this.#options.permissions, ghost, act, message);
      if (!permitted.allowed) return this.#refuse(ghost, message, decision, permitted.reason, settle);
    }
    switch (decision.kind) {
      case "agent":
        await this.#agentSaid(ghost, message, decision, settle);
        return;
      case "ignored":
        ghost.log.debug({ room: message.roomId, event: message.eventId, reason: decision.reason }, "message ignored");
        await settle();
        return;
      case "overheard":
        if (written !== undefined && !ghost.isBot) await this.#stopAll(ghost, message, settle);
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
        if (written !== undefined) {
          await this.#desk.carryOut(ghost, message, written, decision.threadRoot, settle);
        } else await this.#ask(ghost, message, decision.text, decision.threadRoot, settle);
        return;
      }
    }
  }

  /** Only that a room is too large is said there, once: its people can't know, and can do something about it. */
  async #refuse(
    ghost: GhostHandle,
    message: GhostMessage,
    said: Addressing,
    reason: Refusal,
    settle: Settle,
  ): Promise<void> {
    const { roomId, eventId } = message;
    const level = said.kind === "overheard" ? "debug" : "info";
    ghost.log[level]({ room: roomId, event: eventId, reason }, "message refused");
    const { maxRoomMembers = 0 } = this.#options.permissions;
    if (reason === "room_too_large" && said.kind === "addressed") {
      const words = await this.#options.language.words(ghost.userId, roomId, said.text);
      const notice = words.roomTooLarge(this.#nameOf(ghost.userId), maxRoomMembers);
      await ghost.send(roomId, "m.room.message", noticeContent(notice), `room too large ${roomId}`);
    }
    await settle();
  }

  /** Says who has come, where the admin wants that, and describes the commands to clients that have menus for them. */
  async joined(
    ghost: GhostHandle,
    { roomId, direct }: { readonly roomId: string; readonly direct: boolean },
  ): Promise<void> {
    if (ghost.isBot) return;
    const { answers, language } = this.#options;
    const agent = this.#options.agentOf(ghost.userId);
    const isCloud = agent?.locality === "cloud";
    // Whose words leave the network says so, wanted or not.
    if (answers.welcome || isCloud) {
      const words = await language.words(ghost.userId, roomId);
      const hello = words.welcome(this.#nameOf(ghost.userId), direct);
      const provider = agent === undefined ? undefined : this.#options.provider(agent.provider);
      const place = { agent: agent?.displayName ?? "", provider: agent?.provider ?? "", host: provider?.host ?? "?" };
      const welcome = noticeContent(isCloud ? `${hello}\n\n${words.welcomeCloud(place)}` : hello);
      await ghost.send(roomId, "m.room.message", welcome, `welcome ${roomId}`);
    }
    if (answers.commandMenus) ghost.setState(roomId, COMMAND_DESCRIPTION, commandDescriptions(ghost.userId));
  }

  /** What was said in the room, summed up and set for the agent there goes, and what is being answered is not any more. */
  async left(ghost: GhostHandle, roomId: string, settle: Settle): Promise<void> {
    const { history, turns, settings, exchanges, agentsIn, stopTurns } = this.#options;
    const isLast = (await agentsIn(roomId)).length === 0;
    let running: readonly number[] = [];
    await settle(async (tx) => {
      ({ running } = await turns.stop(tx, { ghost: ghost.userId, roomId }));
      await history.forgetAll(tx, ghost.userId, roomId);
      await settings.forget(tx, ghost.userId, roomId);
      if (isLast) await exchanges.forget(tx, roomId);
    });
    stopTurns(running, { keeps: false });
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
      const answers = new Set(await history.answersTo(ghost.userId, roomId, target));
      const draft = about.isOpen ? await ghost.sent(roomId, stepOf(about.turn, DRAFT_STEP)) : undefined;
      if (draft !== undefined) answers.add(draft);
      // A notice of failure is no answer that is remembered.
      for (let round = 0; round <= about.turn.round; round++) {
        const said = await ghost.sent(roomId, stepOf({ eventId: target, round }, ANSWER_STEP));
        if (said !== undefined) answers.add(said);
      }
      for (const answer of answers) {
        await takeBack(ghost, roomId, answer, `${target} deleted ${answer}`);
      }
    }
    let running: readonly number[] = [];
    await settle(async (tx) => {
      if (isQuestion) ({ running } = await turns.stop(tx, { ghost: ghost.userId, roomId, eventId: target }));
      await this.#options.exchanges.forget(tx, roomId, target);
      await history.forget(tx, ghost.userId, roomId, target);
    });
    stopTurns(running, { keeps: false });
  }

  /** Somebody reacted to an event: what they wish for happens if it is theirs to wish, or they moderate the room. */
  async reaction(ghost: GhostHandle, reaction: GhostReaction, settle: Settle): Promise<void> {
    const { history, turns, stopTurns, permissions } = this.#options;
    const { roomId, sender, target, eventId } = reaction;
    const wish = wishOf(reaction.key);
    if ((wish ?? decisionOf(reaction.key)) === undefined || this.#options.isAgent(sender)) return settle();
    const permitted = await decideIn(permissions, ghost, "reaction", reaction);
    if (!permitted.allowed) {
      ghost.log.info({ room: roomId, event: eventId, reason: permitted.reason }, "reaction refused");
      return settle();
    }
    if (wish === undefined) return this.#decided(ghost, reaction, settle);
    const about = await turns.about(ghost.userId, roomId, target);
    if (about === undefined) return settle();
    const { turn, isOpen } = about;
    const log = ghost.log.child({ room: roomId, event: turn.eventId, wish });
    if (sender !== turn.asker && !(await moderates(permissions, ghost, reaction))) {
      log.info({ user: sender }, "a wish of somebody whose question it is not, and who does not moderate the room");
      return settle();
    }
    if (wish === "good" || wish === "bad") {
      const rating = { roomId, answer: target, sender, reaction: eventId, good: wish === "good" };
      if (target === turn.eventId) return settle();
      await settle((tx) => history.rate(tx, ghost.userId, rating));
      return;
    }
    if (wish === "stop") {
      let running: readonly number[] = [];
      await settle(async (tx) => {
        ({ running } = await turns.stop(tx, { ghost: ghost.userId, roomId, eventId: turn.eventId }));
        await this.#options.exchanges.stop(tx, roomId, { origin: turn.origin });
      });
      stopTurns(running, { keeps: true });
      log.info("stopped by a reaction");
      return;
    }
    if (isOpen) return settle();
    await settle(async (tx) => {
      const tooMany = await this.#options.allowances.take(tx, usersOf({ ...turn, asker: sender }));
      if (tooMany === undefined) await turns.enqueueAgain(tx, ghost.userId, turn.eventId, wish);
      else log.info({ limit: tooMany.kind }, "not asked again: a limit is reached");
    });
    log.info("asked again by a reaction");
    this.#options.turnQueued();
  }

  /**
   * A reaction to the question whether words may leave: decided by who moderates the room. Not in encrypted ones: reactions go
   * in clear there too, so that a homeserver could make one up, and what they belong to stands outside the ciphertext.
   */
  async #decided(ghost: GhostHandle, reaction: GhostReaction, settle: Settle): Promise<void> {
    const { turns, consents, isEncrypted, permissions, turnQueued } = this.#options;
    const { roomId, sender, target, key, direct } = reaction;
    const granted = decisionOf(key) ?? false;
    const asked: (string | undefined)[] = [];
    const waiting = await turns.withoutConsent(ghost.userId, roomId);
    for (const { turn } of waiting) asked.push(await ghost.sent(roomId, stepOf(turn, ANSWER_STEP)));
    const about = waiting[asked.indexOf(target)];
    if (about === undefined) return settle();
    const log = ghost.log.child({ room: roomId, user: sender, target: about.target, granted });
    if (await isEncrypted(roomId)) {
      log.info("a decision by a reaction in an encrypted room does not count");
      return settle();
    }
    if (!direct && !(await moderates(permissions, ghost, reaction))) {
      log.info("a decision of somebody who does not moderate the room");
      return settle();
    }
    await settle(async (tx) => {
      await consents.decide(tx, { roomId, ghost: ghost.userId, target: about.target }, granted, sender);
      await turns.consented(tx, ghost.userId, roomId, about.target, granted);
    });
    log.info("decided whether words may leave");
    turnQueued();
  }

  /** Only who speaks to the agent is told that it does not listen. */
  async distrusted(ghost: GhostHandle, message: GhostMessage, why: Distrust): Promise<MessageContent | undefined> {
    const decision = await this.#hearing.address(ghost, message);
    if (decision.kind !== "addressed") return undefined;
    if (!(await decideIn(this.#options.permissions, ghost, "message", message)).allowed) return undefined;
    const { eventId, roomId } = message;
    const words = await this.#options.language.words(ghost.userId, roomId, decision.text);
    const notice = describeDistrust(words, this.#nameOf(ghost.userId), message.sender, why);
    return noticeContent(notice, { eventId, threadRoot: decision.threadRoot });
  }

  async verifiedUnseen(ghost: GhostHandle, roomId: string): Promise<MessageContent> {
    const words = await this.#options.language.words(ghost.userId, roomId);
    return noticeContent(words.unseenVerification(this.#nameOf(ghost.userId)));
  }

  async silenced(ghost: GhostHandle, roomId: string, userId: string): Promise<MessageContent> {
    const words = await this.#options.language.words(ghost.userId, roomId);
    return noticeContent(describeDistrust(words, this.#nameOf(ghost.userId), userId, "verified_identity_changed"));
  }

  async unsigned(ghost: GhostHandle, roomId: string): Promise<MessageContent> {
    const words = await this.#options.language.words(ghost.userId, roomId);
    return noticeContent(words.unsignedAgent(this.#nameOf(ghost.userId)));
  }

  /** The notice about a message that an agent can't read. */
  async missingKey(message: UnreadMessage): Promise<MessageContent> {
    const words = await this.#options.language.words(message.ghost, message.roomId);
    return noticeContent(describeMissingKey(words, this.#nameOf(message.ghost), message.withheld), message);
  }

  #nameOf(ghost: string): string {
    return this.#options.agentOf(ghost)?.displayName ?? ghost;
  }

  /**
   * What another agent has said, once it is whole. It asks this one only by mentioning it, in an exchange that a person has
   * begun, that nobody has stopped, and that has turns left.
   */
  async #agentSaid(
    ghost: GhostHandle,
    message: GhostMessage,
    said: Extract<Addressing, { kind: "agent" }>,
    settle: Settle,
  ): Promise<void> {
    if (ghost.isBot) return settle();
    const { settings, history, turns, exchanges, exchangeLimits, permissions, limits } = this.#options;
    const defaults = this.#hearing.defaultsOf(ghost.userId);
    const { roomId, sender } = message;
    const { eventId, text, threadRoot, mark } = said;
    const { listen = defaults.listen } = await settings.get(ghost.userId, roomId);
    const isAsked = said.isMentioned && mark !== undefined && message.lateMs <= limits.maxWaitMs;
    // An edit of what was asked before changes what is remembered, and is no question of its own.
    const isNew = isAsked && (await turns.about(ghost.userId, roomId, eventId))?.turn.eventId !== eventId;
    const speaker = await ghost.displayNameOf(roomId, sender);
    const log = ghost.log.child({ room: roomId, event: eventId, origin: mark?.origin });
    const members = isNew && permissions.maxRoomMembers !== undefined ? await ghost.memberCount(roomId) : undefined;
    const mayAsk = (userId: string): boolean =>
      permissions.decide({ act: "message", userId, ghost: ghost.userId, roomId, members }).allowed;
    const claimed: Exchange[] = [];
    await settle(async (tx) => {
      const hops = (mark?.hops ?? 0) + 1;
      const id = { roomId, origin: mark?.origin ?? "" };
      const exchange = isNew ? await exchanges.claim(tx, id, exchangeLimits.maxTurns) : undefined;
      const furthest = exchange?.discussion === undefined ? exchangeLimits.maxHops : exchange.discussion.length - 1;
      const mayBe = exchange !== undefined && hops <= furthest && mayAsk(exchange.asker);
      const users = mayBe ? usersOf({ asker: exchange.asker, roomId, ghost: ghost.userId }) : undefined;
      const isAllowed = users !== undefined && (await this.#options.allowances.take(tx, users)) === undefined;
      if (!isAllowed && listen === "off") return;
      const heard = { ...remembered({ ...message, eventId }, speaker, text), threadRoot };
      const position = await history.remember(tx, ghost.userId, roomId, heard);
      await history.edit(tx, { ghost: ghost.userId, roomId, eventId, sender }, text);
      if (!isAllowed || exchange === undefined) return;
      const turn = { ghost: ghost.userId, roomId, eventId, asker: exchange.asker, position, threadRoot };
      await turns.enqueue(tx, { ...turn, origin: id.origin, hops });
      claimed.push(exchange);
    });
    if (claimed.length === 0) {
      if (isNew) log.info("an agent asked for a turn that it does not get");
      return;
    }
    log.info({ asker: sender }, "asked by another agent");
    ghost.markRead(roomId, eventId, threadRoot);
    this.#options.turnQueued();
  }

  /** `!stop` to nobody, by a moderator, is for all agents of the room: each ends what it is answering, without a word. */
  async #stopAll(ghost: GhostHandle, message: GhostMessage, settle: Settle): Promise<void> {
    const { turns, stopTurns } = this.#options;
    if (!(await moderates(this.#options.permissions, ghost, message))) return settle();
    let running: readonly number[] = [];
    await settle(async (tx) => {
      ({ running } = await turns.stop(tx, { ghost: ghost.userId, roomId: message.roomId }));
      await this.#options.exchanges.stop(tx, message.roomId);
    });
    stopTurns(running, { keeps: true });
    ghost.log.info({ room: message.roomId, event: message.eventId }, "stopped with all agents of the room");
  }

  /** What people say to other agents is kept unless the room wants otherwise, what they say to each other only if it does. */
  async #overhear(
    ghost: GhostHandle,
    message: GhostMessage,
    { text, threadRoot }: { readonly text: string; readonly threadRoot: string | undefined },
    settle: Settle,
  ): Promise<void> {
    const { settings, history } = this.#options;
    const defaults = this.#hearing.defaultsOf(ghost.userId);
    const { listen = defaults.listen } = ghost.isBot
      ? { listen: "off" as const }
      : await settings.get(ghost.userId, message.roomId);
    const isKept = listen === "on" || (listen === "agents" && (await this.#hearing.isSaidToAgents(message, text)));
    if (!isKept || text === "") {
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
      const edited = { ghost: ghost.userId, roomId: message.roomId, eventId: target, sender: message.sender };
      const isNew = await history.edit(tx, edited, text);
      if (!isNew || about?.turn.eventId !== target || about.turn.asker !== message.sender) return;
      const stopped = await turns.stop(tx, { ghost: ghost.userId, roomId: message.roomId, eventId: target });
      ({ running } = stopped);
      const tooMany = await this.#options.allowances.take(tx, usersOf(about.turn));
      if (tooMany === undefined) await turns.enqueueAgain(tx, ghost.userId, target, "edit");
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
    const { limits, turns, settings, exchanges, defaults } = this.#options;
    if (message.lateMs > limits.maxWaitMs) {
      await this.#markLate(ghost, message, text, settle);
      return;
    }
    const speaker = await ghost.displayNameOf(message.roomId, message.sender);
    const { threads = defaults.threads } = await settings.get(ghost.userId, message.roomId);
    const words = await this.#options.language.words(ghost.userId, message.roomId, text);
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
        origin: message.eventId,
        hops: 0,
      };
      const isFull = (await turns.open(tx, turn.ghost, turn.roomId)) >= limits.maxQueued;
      if (isFull) {
        await turns.decline(tx, turn, this.answering.failed(turn, "full", words));
        return;
      }
      const tooMany = await this.#options.allowances.take(tx, usersOf(turn));
      if (tooMany !== undefined) {
        const notice = words.tooMany(this.#nameOf(turn.ghost), tooMany.kind, Math.ceil(tooMany.waitMs / 60_000));
        await turns.decline(tx, turn, this.answering.declined(turn, "limit", notice));
        return;
      }
      await turns.enqueue(tx, turn);
      if (!message.direct) await exchanges.begin(tx, turn, message.sender);
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
    const words = await this.#options.language.words(ghost.userId, message.roomId, text);
    if (await this.#options.pulls.begin(ghost, message, text, threadRoot, words)) {
      ghost.markRead(message.roomId, message.eventId, threadRoot);
      return settle();
    }
    const reply = noticeContent(answerBot(words, text, ghost.userId, this.#options.agents()), {
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
