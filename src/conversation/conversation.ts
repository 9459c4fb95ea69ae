import type { Obstacle } from "../crypto/device.ts";
import type { Queryable } from "../database/database.ts";
import { isRetryable } from "../observability/retryable.ts";
import {
  formFor,
  type GhostHandle,
  type GhostMessage,
  type GhostReaction,
  type GhostRedaction,
} from "../ghost/listener.ts";
import type { UnreadMessage } from "../ghost/missing-keys.ts";
import { combined, type Outcome } from "../ghost/outcome.ts";
import type { Words } from "../language/words.ts";
import { isAway, isHomeserverError } from "../homeserver/errors.ts";
import { TAKEN } from "../matrix/relation.ts";
import { reached } from "../observability/steps.ts";
import type { Consents } from "../privacy/consents.ts";
import type { ProviderRequests } from "../privacy/provider-requests.ts";
import type { Permissions } from "../permissions/permissions.ts";
import type { Refusal } from "../permissions/decisions.ts";
import type { Distrust } from "../permissions/trust.ts";
import { ANSWER_STEP, DRAFT_STEP } from "../turns/turn-runner.ts";
import { stopping } from "../turns/stopping.ts";
import type { NewTurn, TurnStore } from "../turns/turn-store.ts";
import { Admission, type NotNow, type Wish } from "../turns/admission.ts";
import type { Allowances } from "../turns/allowances.ts";
import type { Exchange } from "../turns/exchanges.ts";
import { stepOf, type TurnReply } from "../turns/turn.ts";
import { repliedEvent, threadOf, type Addressing } from "../addressing/addressing.ts";
import { afterDecision } from "../answering/after-decision.ts";
import { targetOf } from "../answering/answer-messages.ts";
import { Answering, type AnsweringOptions } from "../answering/answering.ts";
import { attachmentOf } from "../matrix/attachments.ts";
import { answerBot } from "../commands/bot.ts";
import type { ListedAgent } from "../agents/agents.ts";
import { callFor, userLocalpart } from "../addressing/call.ts";
import { Hearing } from "./hearing.ts";
import { CommandDesk } from "../commands/command-desk.ts";
import type { CommandMenus } from "../commands/command-menus.ts";
import { writtenCommand } from "../addressing/written-command.ts";
import { actOf, commandOf, decideIn, mightAsk, moderates } from "../commands/permitted.ts";
import type { History, RememberedMessage } from "../memory/history.ts";
import { describeDistrust, describeMissingKey, identityOf, type Person } from "../answering/notices.ts";
import { decisionOf, wishOf } from "./reactions.ts";
import type { Pulls } from "../commands/pulls.ts";
import { noticeContent, reactionContent, type MessageContent, type ReplyTarget } from "../answering/reply.ts";
import { unreadKindOf } from "./unread-kinds.ts";
import { VoiceCalls, type VoiceCallsOptions } from "./voice-calls.ts";

/** What the conversation needs of its surroundings. */
export interface ConversationOptions extends AnsweringOptions, Pick<VoiceCallsOptions, "listensMs"> {
  readonly turns: TurnStore;
  /** Called after a turn was queued and committed. */
  readonly turnQueued: () => void;
  /** Called after running turns were to be stopped and that was committed. */
  readonly stopTurns: (ids: readonly number[], how: { readonly keeps: boolean }) => void;
  readonly pulls: Pulls;
  readonly menus: CommandMenus;
  readonly consents: Consents;
  readonly allowances: Allowances;
  readonly requests: ProviderRequests;
  readonly isEncrypted: (roomId: string) => Promise<boolean>;
  /** Who sent an event of a room, as far as that is known still. */
  readonly senderOf: (roomId: string, eventId: string) => Promise<string | undefined>;
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

/** The reaction to a message that was read too late to be answered. */
const READ_LATE = "⌛";

/** Decides what a message, a reaction or a deletion is to an agent: the beginning of its turns, and what ends them early. */
export class Conversation {
  readonly answering: Answering;
  readonly #options: ConversationOptions;
  readonly #hearing: Hearing;
  readonly #desk: CommandDesk;
  readonly #admission: Admission;
  readonly #voiceCalls: VoiceCalls;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.answering = new Answering(options);
    this.#hearing = new Hearing(options);
    this.#admission = new Admission(options);
    this.#voiceCalls = new VoiceCalls(options);
    this.#desk = new CommandDesk(options, { answering: this.answering, admission: this.#admission });
  }

  /** Decides what comes of a message that reached a ghost. */
  async message(ghost: GhostHandle, message: GhostMessage): Promise<Outcome> {
    const decision = await this.#hearing.address(ghost, message);
    const written = commandOf(ghost, message, decision);
    const act = actOf(decision, written !== undefined);
    if (act !== undefined) {
      const permitted = await decideIn(this.#options.permissions, ghost, act, message);
      if (!permitted.allowed) return this.#refuse(ghost, message, decision, permitted.reason);
    }
    switch (decision.kind) {
      case "agent":
        return this.#agentSaid(ghost, message, decision);
      case "ignored":
        ghost.log.debug({ room: message.roomId, event: message.eventId, reason: decision.reason }, "message ignored");
        await this.#tellUnread(ghost, message);
        return {};
      case "doubtful_edit":
        return this.#editedInDoubt(ghost, message, decision.target);
      case "overheard":
        if (written === undefined || ghost.isBot) return this.#overheard(ghost, message, decision);
        if (written.name === "stop") return this.#stopAll(ghost, message);
        return this.#desk.carryOutBare(ghost, message, written, decision.threadRoot);
      case "edit":
        return this.#edited(ghost, message, decision);
      case "addressed": {
        const { text, threadRoot } = decision;
        if (ghost.isBot) return this.#askBot(ghost, message, text, threadRoot);
        const outcome =
          written === undefined
            ? await this.#ask(ghost, message, text, threadRoot)
            : await this.#desk.carryOut(ghost, message, written, threadRoot);
        // The bridge may know other commands since, or the room be of another kind.
        return combined(outcome, { after: () => this.#keepMenus(ghost, message.roomId, message.direct) });
      }
    }
  }

  /** Only that a room is too large is said there, once: its people can't know, and can do something about it. */
  async #refuse(ghost: GhostHandle, message: GhostMessage, said: Addressing, reason: Refusal): Promise<Outcome> {
    const { roomId, eventId } = message;
    const level = said.kind === "overheard" ? "debug" : "info";
    ghost.log[level]({ room: roomId, event: eventId, reason }, "message refused");
    const { maxRoomMembers = 0 } = this.#options.permissions;
    if (reason === "room_too_large" && said.kind === "addressed") {
      const words = await this.#options.language.words(ghost.userId, roomId, said.text);
      const notice = words.roomTooLarge(this.#nameOf(ghost.userId), maxRoomMembers);
      await ghost.send(roomId, "m.room.message", noticeContent(notice), `room too large ${roomId}`, {
        form: "of_room",
      });
    }
    return {};
  }

  /** Describes the commands to clients that have menus for them, and says who has come, where the admin wants that. */
  async joined(
    ghost: GhostHandle,
    { roomId, direct }: { readonly roomId: string; readonly direct: boolean },
  ): Promise<void> {
    // Before it is greeted, so that nothing stands between the greeting and what is said to it.
    await this.#keepMenus(ghost, roomId, direct);
    const welcome = await this.#welcome(ghost, roomId, direct);
    if (welcome !== undefined) {
      await ghost.send(roomId, "m.room.message", noticeContent(welcome), `welcome ${roomId}`, { form: "of_room" });
    }
  }

  /** A menu is no reason not to speak. */
  async #keepMenus(ghost: GhostHandle, roomId: string, direct: boolean): Promise<void> {
    if (!this.#options.answers.commandMenus || ghost.isBot) return;
    const { menus, permissions } = this.#options;
    const isOff = (command: string): boolean => permissions.settersOf(command) === "nobody";
    await menus.keepUp(ghost, roomId, direct, isOff).catch((error: unknown) => {
      ghost.log.warn(
        { room: roomId, error },
        "the commands could not be described; trying again with the next message",
      );
    });
  }

  /** Undefined where it is not wanted: but whose words leave the network says so, wanted or not. */
  async #welcome(ghost: GhostHandle, roomId: string, direct: boolean): Promise<string | undefined> {
    const { answers, language, permissions } = this.#options;
    const agent = this.#options.agentOf(ghost.userId);
    const isCloud = agent?.locality === "cloud";
    if ((!answers.welcome && !isCloud) || permissions.isBanList(roomId)) return undefined;
    const words = await language.words(ghost.userId, roomId);
    const call = callFor(ghost.userId, agent?.name, direct);
    if (ghost.isBot) return words.bot.welcome(call);
    const isDemo = agent !== undefined && agent.model === undefined;
    const hello = words.welcome({ agent: this.#nameOf(ghost.userId), call, isDemo });
    if (!isCloud) return hello;
    const { displayName, provider } = agent;
    const host = this.#options.provider(provider)?.host ?? "?";
    const { privacy } = this.#options;
    const room = { roomId, encrypted: false };
    const says = words.welcomeCloud[await privacy.policyIn(room)];
    return `${hello}\n\n${says({ agent: displayName, provider, host, call }, await privacy.ruleIn(room))}`;
  }

  /** Why there is no greeting yet, where there would be one. */
  async unheard(
    ghost: GhostHandle,
    { roomId, direct, why }: { readonly roomId: string; readonly direct: boolean; readonly why: Obstacle["why"] },
  ): Promise<MessageContent | undefined> {
    if ((await this.#welcome(ghost, roomId, direct)) === undefined) return undefined;
    const words = await this.#options.language.words(ghost.userId, roomId);
    return noticeContent(words.beforeWelcome[why](await ghost.displayNameOf(roomId, ghost.userId)));
  }

  /** What was said in the room, summed up and set for the agent there goes, and what is being answered is not any more. */
  async left(ghost: GhostHandle, roomId: string): Promise<Outcome> {
    const { history, settings, exchanges, menus, agentsIn } = this.#options;
    const isLast = (await agentsIn(roomId)).length === 0;
    const store = async (tx: Queryable): Promise<void> => {
      await history.forgetAll(tx, ghost.userId, roomId);
      await settings.forget(tx, ghost.userId, roomId);
      await menus.forget(tx, ghost.userId, roomId);
      if (isLast) await exchanges.forget(tx, roomId);
    };
    return combined(stopping(this.#options, { ghost: ghost.userId, roomId }, { keeps: false }), { store });
  }

  /**
   * A message was deleted: it leaves no trace in what the agent remembers, its answer goes, and it is not answered if it has
   * not been yet.
   */
  async redacted(ghost: GhostHandle, { roomId, target, sender }: GhostRedaction): Promise<Outcome> {
    const { history, turns, exchanges } = this.#options;
    const about = await turns.about(ghost.userId, roomId, target);
    const isQuestion = about?.turn.eventId === target;
    // Those of a question whose turn is long forgotten as well.
    const answers = new Set(await history.answersTo(ghost.userId, roomId, target));
    if (isQuestion) {
      const draft = about.isOpen ? await ghost.sent(roomId, stepOf(about.turn, DRAFT_STEP)) : undefined;
      if (draft !== undefined) answers.add(draft);
      // A notice of failure is no answer that is remembered.
      for (let round = 0; round <= about.turn.round; round++) {
        const said = await ghost.sent(roomId, stepOf({ eventId: target, round }, ANSWER_STEP));
        if (said !== undefined) answers.add(said);
      }
    }
    for (const answer of answers) {
      await takeBack(ghost, roomId, answer, `${target} deleted ${answer}`);
    }
    const store = async (tx: Queryable): Promise<void> => {
      await exchanges.forget(tx, roomId, target);
      await history.forget(tx, ghost.userId, roomId, target, sender);
    };
    if (!isQuestion) return { store };
    const which = { ghost: ghost.userId, roomId, eventId: target };
    return combined(stopping(this.#options, which, { keeps: false }), { store });
  }

  /** Somebody reacted to an event: what they wish for happens if it is theirs to wish, or they moderate the room. */
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
    const about = await turns.about(ghost.userId, roomId, target);
    if (about === undefined) {
      const isOld = (wish === "again" || wish === "continue") && (await history.isOwn(ghost.userId, roomId, target));
      if (isOld) await this.#tellTooLongAgo(ghost, roomId, target);
      return {};
    }
    const { turn, isOpen, answer } = about;
    const log = ghost.log.child({ room: roomId, event: turn.eventId, wish });
    if (sender !== turn.asker && !(await moderates(permissions, ghost, reaction))) {
      log.info({ user: sender }, "a wish of somebody whose question it is not, and who does not moderate the room");
      return {};
    }
    if (wish === "good" || wish === "bad") {
      if (answer === undefined) return {};
      const rating = { roomId, answer, sender, reaction: eventId, good: wish === "good" };
      return { store: (tx) => history.rate(tx, ghost.userId, rating) };
    }
    if (wish === "stop") {
      const which = { ghost: ghost.userId, roomId, eventId: turn.eventId };
      return combined(stopping(this.#options, which, { keeps: true }), {
        store: (tx) => exchanges.stop(tx, roomId, { origin: turn.origin }),
        after: () => log.info("stopped by a reaction"),
      });
    }
    if (isOpen) return {};
    const words = await this.#options.language.words(ghost.userId, roomId);
    return {
      store: async (tx) => {
        const { eventId: question, threadRoot } = turn;
        const notNow = await this.#admission.take(tx, { ghost: ghost.userId, roomId, asker: sender });
        const refusal = notNow && this.#refusal(turn, notNow, words, { eventId: question, threadRoot });
        // Where there is no answer, there is nothing to go on with.
        const kind = target === turn.eventId || answer !== undefined ? wish : "again";
        if (refusal === undefined) await turns.enqueueAgain(tx, ghost.userId, question, kind);
        else await turns.declineAgain(tx, turn, refusal);
      },
      after: () => {
        log.info("asked again by a reaction");
        this.#options.turnQueued();
      },
    };
  }

  /**
   * A reaction to the question whether words may leave: decided by who moderates the room. Not in encrypted ones: reactions go
   * in clear there too, so that a homeserver could make one up, and what they belong to stands outside the ciphertext.
   */
  async #decided(ghost: GhostHandle, reaction: GhostReaction): Promise<Outcome> {
    const { turns, limits, consents, isEncrypted, permissions, turnQueued } = this.#options;
    const { roomId, sender, target, key } = reaction;
    const granted = decisionOf(key) ?? false;
    const asked: (string | undefined)[] = [];
    const waiting = await turns.withoutConsent(ghost.userId, roomId);
    for (const { turn } of waiting) asked.push(await ghost.sent(roomId, stepOf(turn, ANSWER_STEP)));
    const about = waiting[asked.indexOf(target)];
    if (about === undefined) return {};
    const log = ghost.log.child({ room: roomId, user: sender, target: about.target, granted });
    if (about.turn.encrypted || (await isEncrypted(roomId))) {
      log.info("a decision by a reaction in an encrypted room does not count");
      return {};
    }
    if (!(await moderates(permissions, ghost, reaction))) {
      log.info("a decision of somebody who does not moderate the room");
      return {};
    }
    const words = await this.#options.language.words(ghost.userId, roomId);
    const where = { roomId, ghost: ghost.userId, target: about.target };
    return {
      store: async (tx) => {
        // A reaction's key stands outside the ciphertext, if there is one.
        await consents.decide(tx, where, { granted, encrypted: false }, sender);
        await afterDecision(tx, where, granted, { turns, limits, answering: this.answering, words });
      },
      after: () => {
        log.info("decided whether words may leave");
        turnQueued();
      },
    };
  }

  /** Only who speaks to the agent is told that it does not listen. */
  async distrusted(ghost: GhostHandle, message: GhostMessage, why: Distrust): Promise<MessageContent | undefined> {
    const decision = await this.#hearing.address(ghost, message);
    if (decision.kind !== "addressed") return undefined;
    if (!(await decideIn(this.#options.permissions, ghost, "message", message)).allowed) return undefined;
    const { eventId, roomId } = message;
    const words = await this.#options.language.words(ghost.userId, roomId, decision.text);
    const person = message.direct ? undefined : await personIn(ghost, roomId, message.sender);
    const notice = describeDistrust(words, this.#nameOf(ghost.userId), person, why);
    return noticeContent(notice, { eventId, threadRoot: decision.threadRoot });
  }

  async verifiedUnseen(ghost: GhostHandle, roomId: string): Promise<MessageContent> {
    const words = await this.#options.language.words(ghost.userId, roomId);
    return noticeContent(words.unseenVerification(this.#nameOf(ghost.userId)));
  }

  async silenced(ghost: GhostHandle, roomId: string, userId: string): Promise<MessageContent> {
    const words = await this.#options.language.words(ghost.userId, roomId);
    const person = await personIn(ghost, roomId, userId);
    return noticeContent(words.silenced(this.#nameOf(ghost.userId), identityOf(person)));
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

  #isLatest(ghost: GhostHandle, { roomId, eventId }: GhostMessage): Promise<boolean> {
    return this.#options.isLatest({ ghost: ghost.userId, roomId, eventId });
  }

  #nameOf(ghost: string): string {
    return this.#options.agentOf(ghost)?.displayName ?? userLocalpart(ghost);
  }

  /**
   * What another agent has said, once it is whole. It asks this one only by mentioning it, in an exchange that a person has
   * begun, that nobody has stopped, and that has turns left.
   */
  async #agentSaid(
    ghost: GhostHandle,
    message: GhostMessage,
    said: Extract<Addressing, { kind: "agent" }>,
  ): Promise<Outcome> {
    if (ghost.isBot) return {};
    const { settings, history, turns, exchanges, exchangeLimits, permissions, limits } = this.#options;
    const { roomId, sender } = message;
    const { eventId, text, threadRoot, mark } = said;
    const set = await settings.get(ghost.userId, roomId);
    const { listen = this.#hearing.defaultsOf(ghost.userId, set).listen } = set;
    const isAsked = said.isMentioned && mark !== undefined && message.lateMs <= limits.maxWaitMs;
    // An edit of what was asked before changes what is remembered, and is no question of its own.
    const isNew = isAsked && (await turns.about(ghost.userId, roomId, eventId))?.turn.eventId !== eventId;
    const speaker = await ghost.speakerOf(roomId, sender);
    const log = ghost.log.child({ room: roomId, event: eventId, origin: mark?.origin });
    const members = isNew && permissions.maxRoomMembers !== undefined ? await ghost.memberCount(roomId) : undefined;
    const mayAsk = (userId: string): boolean =>
      permissions.decide({ act: "message", userId, ghost: ghost.userId, roomId, members }).allowed;
    const claimed: Exchange[] = [];
    const store = async (tx: Queryable): Promise<void> => {
      const hops = (mark?.hops ?? 0) + 1;
      const id = { roomId, origin: mark?.origin ?? "" };
      const exchange = isNew ? await exchanges.claim(tx, id, exchangeLimits.maxTurns) : undefined;
      const furthest = exchange?.discussion === undefined ? exchangeLimits.maxHops : exchange.discussion.length - 1;
      const mayBe = exchange !== undefined && hops <= furthest && mayAsk(exchange.asker);
      const wish = mayBe ? { asker: exchange.asker, roomId, ghost: ghost.userId } : undefined;
      const isAllowed = wish !== undefined && (await this.#admission.take(tx, wish)) === undefined;
      if (!isAllowed && listen === "off") return;
      // What it answers it replies to, always: that says nothing.
      const heard = { ...remembered({ ...message, eventId }, speaker, text), threadRoot, repliesTo: undefined };
      const position = await history.remember(tx, ghost.userId, roomId, heard);
      const { encrypted } = message;
      await history.edit(tx, { ghost: ghost.userId, roomId, eventId, sender, encrypted }, text);
      if (!isAllowed || exchange === undefined) return;
      const turn = { ghost: ghost.userId, roomId, eventId, asker: exchange.asker, position, threadRoot };
      await turns.enqueue(tx, { ...turn, origin: id.origin, hops, encrypted });
      claimed.push(exchange);
    };
    const after = (): void => {
      if (claimed.length === 0) {
        if (isNew) log.info("an agent asked for a turn that it does not get");
        return;
      }
      log.info({ asker: sender }, "asked by another agent");
      ghost.markRead(roomId, eventId, threadRoot);
      this.#options.turnQueued();
    };
    return { store, after };
  }

  /** `!stop` to nobody, by a moderator, is for all agents of the room: each ends what it is answering, without a word. */
  async #stopAll(ghost: GhostHandle, message: GhostMessage): Promise<Outcome> {
    const { permissions, exchanges } = this.#options;
    const { roomId, eventId } = message;
    if (!(await moderates(permissions, ghost, message))) return {};
    return combined(stopping(this.#options, { ghost: ghost.userId, roomId }, { keeps: true }), {
      store: (tx) => exchanges.stop(tx, roomId),
      after: () => ghost.log.info({ room: roomId, event: eventId }, "stopped with all agents of the room"),
    });
  }

  /** Says once in a direct chat that it makes nothing of what somebody has sent. */
  async #tellUnread(ghost: GhostHandle, message: GhostMessage): Promise<void> {
    const { roomId, sender, content } = message;
    const kind = message.direct && !this.#options.isAgent(sender) ? unreadKindOf(content) : undefined;
    if (kind === undefined || !(await decideIn(this.#options.permissions, ghost, "message", message)).allowed) return;
    const words = await this.#options.language.words(ghost.userId, roomId);
    const notice = noticeContent(words.unread[kind](this.#nameOf(ghost.userId)));
    await ghost.send(roomId, "m.room.message", notice, `unread ${kind} ${roomId}`, { form: "of_room" });
  }

  /** A voice message whose words say the agent's name is said to it; else it is like what others say. */
  async #overheard(
    ghost: GhostHandle,
    message: GhostMessage,
    said: { readonly text: string; readonly threadRoot: string | undefined },
  ): Promise<Outcome> {
    const mayAsk = (): Promise<boolean> => mightAsk(this.#options.permissions, ghost, message);
    const words = ghost.isBot ? undefined : await this.#voiceCalls.wordsTo(ghost, message, mayAsk);
    if (words === undefined) return this.#overhear(ghost, message, said);
    const permitted = await decideIn(this.#options.permissions, ghost, "message", message);
    if (!permitted.allowed) {
      return this.#refuse(ghost, message, { kind: "addressed", ...said }, permitted.reason);
    }
    // Its words stand in the recording's place.
    const content = { ...message.content, msgtype: "m.text" };
    return this.#ask(ghost, { ...message, content }, words, said.threadRoot);
  }

  /** What people say to other agents is kept unless the room wants otherwise, what they say to each other only if it does. */
  async #overhear(
    ghost: GhostHandle,
    message: GhostMessage,
    { text, threadRoot }: { readonly text: string; readonly threadRoot: string | undefined },
  ): Promise<Outcome> {
    const { settings, history } = this.#options;
    const set = await settings.get(ghost.userId, message.roomId);
    const { listen = this.#hearing.defaultsOf(ghost.userId, set).listen } = ghost.isBot
      ? { listen: "off" as const }
      : set;
    const isKept =
      listen === "on" || (listen === "agents" && (await this.#hearing.isSaidToAgents(ghost.userId, message, text)));
    if (!isKept || text === "") {
      ghost.log.debug({ room: message.roomId, event: message.eventId, reason: "not addressed" }, "message ignored");
      return {};
    }
    const speaker = await ghost.speakerOf(message.roomId, message.sender);
    // Nobody hands over what others reply to among themselves.
    const target = repliedEvent(message.content) ?? "";
    const isKnown = (await history.find(ghost.userId, message.roomId, [target])).has(target);
    const heard = { ...remembered(message, speaker, text), threadRoot, repliesTo: isKnown ? target : undefined };
    return {
      store: async (tx) => {
        await history.remember(tx, ghost.userId, message.roomId, heard);
      },
    };
  }

  /** What was quoted is read anew where somebody replies to it again: its old words are not what its writer says any more. */
  #editedInDoubt(ghost: GhostHandle, message: GhostMessage, target: string): Outcome {
    const { roomId, sender } = message;
    ghost.log.debug({ room: roomId, event: message.eventId }, "an edit that calls nobody is not heard");
    return {
      store: (tx) => this.#options.history.unquote(tx, { ghost: ghost.userId, roomId, eventId: target, sender }),
    };
  }

  /** The words of a question were changed: its answer is, too. One that is being made is stopped for that. */
  async #edited(
    ghost: GhostHandle,
    message: GhostMessage,
    said: Extract<Addressing, { kind: "edit" }>,
  ): Promise<Outcome> {
    const { history, turns, turnQueued } = this.#options;
    const { target, text } = said;
    const { roomId, sender, encrypted } = message;
    const edited = { ghost: ghost.userId, roomId, eventId: target, sender, encrypted };
    const about = await turns.about(ghost.userId, roomId, target);
    // A question whose turn is forgotten: what is remembered of it changes, and that no more comes of it is said.
    const isOld = about === undefined && (await history.answersTo(ghost.userId, roomId, target)).length > 0;
    if (isOld) {
      if (await history.isSentBy(edited)) await this.#tellTooLongAgo(ghost, roomId, target);
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
    // What answers the words as they were answers nobody any more.
    const stop = stopping(this.#options, { ghost: ghost.userId, roomId, eventId: target }, { keeps: true });
    return {
      store: async (tx) => {
        const isNew = await history.edit(tx, edited, text);
        if (!isNew || about?.turn.eventId !== target || about.turn.asker !== sender) return;
        const notNow = await this.#admission.take(tx, wish);
        await stop.store(tx);
        if (notNow === undefined) await turns.enqueueAgain(tx, ghost.userId, target, "edit");
        else await turns.declineAgain(tx, about.turn, this.#refusal(about.turn, notNow, words, targetOf(about.turn)));
      },
      after: () => {
        stop.after();
        turnQueued();
      },
    };
  }

  /** What an edit has made a question is asked. It may have been overheard as it was before. */
  async #askAnew(
    ghost: GhostHandle,
    question: GhostMessage,
    edited: Parameters<History["edit"]>[1],
    text: string,
  ): Promise<Outcome> {
    const saidIn = threadOf(question.content);
    const asked = {
      attachment: attachmentOf(question.content),
      threadRoot: await this.#threadFor(ghost, question, saidIn),
      repliesTo: await this.#hearing.handedOver(ghost.userId, question),
    };
    const store = async (tx: Queryable): Promise<void> => {
      await this.#options.history.edit(tx, edited, text, asked);
    };
    return combined(await this.#ask(ghost, question, text, saidIn), { store });
  }

  /**
   * A message that was said to nobody, or to others, and was edited so that it calls the agent: as it reads now. Undefined
   * where it is not its writer's, or where that may not ask.
   */
  async #calledByEdit(
    ghost: GhostHandle,
    message: GhostMessage,
    { target, text }: Extract<Addressing, { kind: "edit" }>,
  ): Promise<GhostMessage | undefined> {
    // What was a command is not one any more when it is edited.
    if (writtenCommand(text) !== undefined) return undefined;
    const { roomId, eventId } = message;
    const permitted = await decideIn(this.#options.permissions, ghost, "message", message);
    const looked = permitted.allowed ? ghost.outsideOf(roomId, target) : undefined;
    const original = await looked?.catch((error: unknown) => {
      // The agent hears nobody else while it waits: only for a homeserver that is not there, and so says nothing else either.
      if (!isHomeserverError(error) || isAway(error)) throw error;
      ghost.log.warn(
        { room: roomId, event: eventId, error },
        "what was edited can't be looked up; the edit asks nothing",
      );
      return undefined;
    });
    if (original?.sender !== message.sender) return undefined;
    const anew = message.content["m.new_content"] as GhostMessage["content"];
    return { ...message, eventId: target, content: { ...anew, "m.relates_to": original.relation } };
  }

  /** The thread that a question and its answer stand in: the one that it was said in, or its own where the room wants that. */
  async #threadFor(ghost: GhostHandle, message: GhostMessage, saidIn: string | undefined): Promise<string | undefined> {
    const { settings, defaults } = this.#options;
    if (saidIn !== undefined || message.direct) return saidIn;
    const { threads = defaults.threads } = await settings.get(ghost.userId, message.roomId);
    return threads === "on" ? message.eventId : undefined;
  }

  /** Queues a question for the model. */
  async #ask(ghost: GhostHandle, message: GhostMessage, text: string, saidIn: string | undefined): Promise<Outcome> {
    const { limits, turns, exchanges, history, answers, turnQueued } = this.#options;
    const { roomId, eventId, sender, encrypted } = message;
    if (message.lateMs > limits.maxWaitMs) return this.#markLate(ghost, message, text);
    const speaker = await ghost.speakerOf(roomId, sender);
    const words = await this.#options.language.words(ghost.userId, roomId, text);
    const threadRoot = await this.#threadFor(ghost, message, saidIn);
    const target = { eventId, threadRoot, follows: await this.#isLatest(ghost, message) };
    const repliesTo = await this.#hearing.handedOver(ghost.userId, message);
    return {
      store: async (tx) => {
        const attachment = attachmentOf(message.content);
        const question = { ...remembered(message, speaker, text), threadRoot, attachment, repliesTo };
        const position = await history.remember(tx, ghost.userId, roomId, question);
        const asked = { ghost: ghost.userId, roomId, eventId, asker: sender, position, threadRoot, encrypted };
        const turn = { ...asked, origin: eventId, hops: 0 };
        const notNow = await this.#admission.take(tx, turn);
        if (notNow !== undefined) {
          await turns.decline(tx, turn, this.#refusal(turn, notNow, words, target));
          return;
        }
        await turns.enqueue(tx, turn);
        if (!message.direct) await exchanges.begin(tx, turn, sender);
      },
      after: () => {
        reached("turn.queued");
        ghost.markRead(roomId, eventId, threadRoot);
        if (answers.acknowledge) ghost.react(roomId, eventId, TAKEN);
        turnQueued();
      },
    };
  }

  /** Says once of an event that what it was about is so long ago that it can't be asked again. */
  async #tellTooLongAgo(ghost: GhostHandle, roomId: string, target: string): Promise<void> {
    const words = await this.#options.language.words(ghost.userId, roomId);
    const notice = noticeContent(words.tooLongAgo, { eventId: target, threadRoot: undefined });
    await ghost.send(roomId, "m.room.message", notice, `${target} too long ago`, { form: "of_room" });
  }

  /** What is said to a question that can't be taken now. */
  #refusal(turn: NewTurn, notNow: NotNow, words: Words, target: ReplyTarget): TurnReply {
    if (notNow.why === "full") return this.answering.failed(turn, "full", words, target);
    const { kind, waitMs } = notNow;
    const notice = words.tooMany(this.#nameOf(turn.ghost), kind, Math.ceil(waitMs / 60_000), true);
    return this.answering.declined(turn, "limit", notice, target);
  }

  /** The bot answers at once; what it says under the same step twice is said once. */
  async #askBot(
    ghost: GhostHandle,
    message: GhostMessage,
    text: string,
    threadRoot: string | undefined,
  ): Promise<Outcome> {
    const { language, pulls, agents, privacy } = this.#options;
    const { roomId, eventId } = message;
    await language.heard(ghost.userId, roomId, text);
    const words = await language.words(ghost.userId, roomId, text);
    const target = { eventId, threadRoot, follows: await this.#isLatest(ghost, message) };
    const isPull = await pulls.begin(ghost, message, text, target, words);
    ghost.markRead(roomId, eventId, threadRoot);
    if (isPull) return {};
    const reply = noticeContent(answerBot(words, text, agents(), privacy.reach), target);
    await ghost.send(roomId, "m.room.message", reply, `${eventId} bot`, { form: formFor(message) });
    return {};
  }

  /** A message whose key came so late that an answer would surprise: it is remembered, and its writer sees that it was read. */
  async #markLate(ghost: GhostHandle, message: GhostMessage, text: string): Promise<Outcome> {
    const { roomId, eventId, sender, lateMs } = message;
    const step = `${eventId} late`;
    await ghost.send(roomId, "m.reaction", reactionContent(eventId, READ_LATE), step, { form: "of_room" });
    const speaker = await ghost.speakerOf(roomId, sender);
    return {
      store: async (tx) => {
        await this.#options.history.remember(tx, ghost.userId, roomId, remembered(message, speaker, text));
      },
      after: () => ghost.log.info({ room: roomId, event: eventId, lateMs }, "read too late to answer"),
    };
  }
}

async function personIn(ghost: GhostHandle, roomId: string, userId: string): Promise<Person> {
  return { userId, displayName: await ghost.displayNameOf(roomId, userId) };
}

function remembered(message: GhostMessage, speaker: string, body: string): RememberedMessage {
  const { eventId, sender, sentAt, encrypted, shield } = message;
  const repliesTo = repliedEvent(message.content);
  const said = { eventId, author: "person", sender, speaker, body, sentAt, encrypted, repliesTo } as const;
  return shield === undefined ? said : { ...said, shield };
}

/** What the homeserver will never take back stays; it must not keep the question from being forgotten. */
async function takeBack(ghost: GhostHandle, roomId: string, eventId: string, step: string): Promise<void> {
  await ghost.redact(roomId, eventId, step).catch((error: unknown) => {
    if (isRetryable(error)) throw error;
    ghost.log.warn({ room: roomId, event: eventId, error }, "an answer could not be taken back");
  });
}
