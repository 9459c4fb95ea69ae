import type { AnswerSettings, ExchangeSettings } from "../config/config.ts";
import type { Queryable } from "../database/database.ts";
import type { Words } from "../language/words.ts";
import { targetOf as consentTarget } from "../privacy/consents.ts";
import type { Place, Whose } from "../privacy/gate.ts";
import type { Logger } from "../observability/log.ts";
import { reached } from "../observability/steps.ts";
import { DEMO_MODEL } from "../providers/demo.ts";
import { pictureType } from "../providers/pictures.ts";
import { recordingEnding } from "../providers/recordings.ts";
import { PromptTooLong } from "../providers/prompt-too-long.ts";
import { ProviderError, type ChatMessage } from "../providers/provider.ts";
import { formFor, type Form, type SentFile } from "../ghost/form.ts";
import { withoutPath } from "../agents/model-name.ts";
import type { RoomDefaults, RoomSettings } from "../rooms/settings.ts";
import { usersOf, type Allowances } from "../turns/allowances.ts";
import type { Discussion, Exchanges } from "../turns/exchanges.ts";
import type { Drafting } from "../turns/turn-work.ts";
import { TurnStopped, type Turn, type TurnMessage, type TurnReply } from "../turns/turn.ts";
import type { NewTurn, TurnStore } from "../turns/turn-store.ts";
import type { Attachment } from "../matrix/attachments.ts";
import {
  answerMessages,
  beginningOf,
  edited,
  isSmall,
  markOf,
  targetOf,
  toAsker,
  withPartial,
} from "./answer-messages.ts";
import type { ListedAgent } from "../agents/agents.ts";
import { callFor, userLocalpart } from "../addressing/call.ts";
import { ContextWindows, LESS } from "./context-windows.ts";
import { keyOf, Voices, type Voice, type VoicesOptions } from "./voices.ts";
import { callsIn, nextSpeaker } from "./exchange.ts";
import { Heard } from "./heard.ts";
import type { History, RememberedMessage } from "../memory/history.ts";
import type { TurnFailure } from "./notices.ts";
import { answerReserve, buildPrompt, type PromptMessage, type PromptParts } from "./prompt.ts";
import type { ReadFiles } from "../memory/read-files.ts";
import { RefusedPictures } from "./refused-pictures.ts";
import { RepliedMessages, type About, type RepliedMessagesOptions } from "./replied-messages.ts";
import { agentIn } from "./agent-in-room.ts";
import { readFiles, ReadingRoom, UnreadableFile, type ReadingOptions } from "./reading.ts";
import {
  draftContent,
  editContent,
  noticeContent,
  pictureContent,
  withThinking,
  type Address,
  type MessageContent,
  type ReplyTarget,
} from "./reply.ts";
import type { RoomLanguage } from "./room-language.ts";
import type { Summaries } from "../memory/summaries.ts";
import { TokenCounter } from "./token-counter.ts";
import { estimateTokens, MESSAGE_OVERHEAD_TOKENS } from "../text/tokens.ts";

/** What answers are made with. */
export interface AnsweringOptions extends VoicesOptions, RepliedMessagesOptions {
  readonly history: History;
  readonly answers: AnswerSettings;
  /**
   * A file that somebody sent. Rejects with {@link UnreadableFile}, with a HomeserverError when the homeserver itself is away,
   * or with the signal's reason.
   */
  readonly download: (
    ghost: string,
    attachment: Attachment,
    maxBytes: number,
    signal: AbortSignal,
  ) => Promise<Uint8Array>;
  /** What was in files before. */
  readonly readFiles: ReadFiles;
  /** Puts a file on the homeserver, encrypted where the room is; resolves with how a message names it. */
  readonly upload: (
    ghost: string,
    roomId: string,
    bytes: Uint8Array,
    mimetype: string,
    form: Form,
  ) => Promise<SentFile>;
  /** What writes down voice messages. */
  readonly transcription: { readonly provider: string; readonly model: string } | undefined;
  /** What rooms have that set nothing. */
  readonly defaults: RoomDefaults;
  readonly language: RoomLanguage;
  readonly summaries: Summaries;
  /** The agents that are in a room. */
  readonly agentsIn: (roomId: string) => Promise<readonly ListedAgent[]>;
  readonly allowances: Allowances;
  readonly exchanges: Exchanges;
  readonly turns: TurnStore;
  readonly exchangeLimits: ExchangeSettings;
  readonly isEncrypted: (roomId: string) => Promise<boolean>;
  /** Whether nothing has been said since a message in a direct chat of two, as far as is known. */
  readonly isLatest: (message: Pick<Turn, "ghost" | "roomId" | "eventId">) => Promise<boolean>;
  readonly log: Logger;
}

/** How many messages back a prompt reaches at the most, however short they are. */
const MAX_PROMPT_MESSAGES = 200;

/** What a model is told that is to say more. */
const GO_ON = "Go on exactly where you stopped. Do not repeat anything that you have said already.";

/** What a turn's prompt is made of. */
interface Asked {
  readonly latest: readonly RememberedMessage[];
  readonly about: About;
  readonly summary: string | undefined;
  readonly company: Company;
  /** Whether any of it came encrypted. */
  readonly encrypted: boolean;
}

/** How an answer is given. */
interface Manner {
  readonly direct: boolean;
  readonly asked: Asked;
  readonly words: Words;
  /** What stands before a command so that it is for this agent. */
  readonly call: string;
  /** Stands below the answer. */
  readonly note?: string;
}

/** What is left out of a prompt that was refused. */
interface Plan {
  readonly withoutOldPictures: boolean;
  readonly isShorter: boolean;
}

/** What is sent to a model. */
interface Prompt {
  readonly messages: readonly ChatMessage[];
  /** The window that it was planned for. */
  readonly contextTokens: number;
  readonly estimateTokens: (text: string) => number;
  /** Messages before the question with pictures in it, and those whose pictures were left out. */
  readonly oldPictures: readonly PromptMessage[];
  readonly leftOut: readonly PromptMessage[];
}

/** Who else is at a turn. */
interface Company {
  /** Agents that may be asked for help. */
  readonly helpers: readonly ListedAgent[];
  readonly discussion: Discussion | undefined;
  /** Whose turn it is next in the discussion. */
  readonly next: string | undefined;
}

/** Failures after which another agent's model may answer, where nothing was said yet. */
const CALLS_FOR_ANOTHER: ReadonlySet<string> = new Set([
  "unreachable",
  "busy",
  "unpaid",
  "model_missing",
  "timeout",
  "cut_off",
]);

/** A chat template adds lines of its own to a prompt, in tokens. */
const TEMPLATE_TOKENS = 256;

const ALONE: Company = { helpers: [], discussion: undefined, next: undefined };

/** Makes the answer of a turn, as it is shown, sent and remembered. */
export class Answering {
  readonly #options: AnsweringOptions;
  readonly #voices: Voices;
  readonly #counter = new TokenCounter();
  readonly #windows = new ContextWindows();
  /** Pictures of former messages with which a model's server refused a question. */
  readonly #refusedPictures = new RefusedPictures();
  /** Whether what is shown of an answer already follows its question: all of the answer stands as its beginning does. */
  readonly #begun = new WeakMap<Turn, boolean>();
  readonly #readingRoom = new ReadingRoom();
  readonly #repliedMessages: RepliedMessages;
  /** The pictures that a turn has fetched, for when the model's server is asked again. */
  readonly #pictures = new WeakMap<Turn, Map<string, Uint8Array>>();

  constructor(options: AnsweringOptions) {
    this.#options = options;
    this.#voices = new Voices(options);
    this.#repliedMessages = new RepliedMessages(options);
  }

  /**
   * Asks the model of a turn's agent and composes the answer, or the notice that says why there is none. An answer that
   * was stopped (TurnStopped) is what there is of it.
   *
   * @param show is told the answer as far as it has come.
   */
  async respond(turn: Turn, direct: boolean, show: (text: string) => void, signal: AbortSignal): Promise<TurnReply> {
    const words = await this.#options.language.words(turn.ghost, turn.roomId);
    const voice = await this.#voices.of(turn);
    const call = callFor(turn.ghost, voice?.agent.name, direct);
    if (voice === undefined) return this.failed(turn, "gone", words, await this.#target(turn), call);
    const asked = await this.#asked(turn, voice.set, direct, signal);
    const { encrypted } = asked;
    // The gate, the sender and who remembers the answer look there.
    if (encrypted) await this.#options.turns.markEncrypted(turn);
    if (encrypted && !(await this.#options.isEncrypted(turn.roomId))) {
      this.#options.log.warn({ ghost: turn.ghost, room: turn.roomId, event: turn.eventId }, "not answered in clear");
      return fixed(this.failed(turn, "in_clear", words, await this.#target(turn), call));
    }
    if (!this.#voices.isFor(voice, turn)) {
      const notice = words.chosenModelNotYours(voice.agent.displayName, withoutPath(voice.model), call);
      return fixed(this.declined(turn, "not_your_model", notice, await this.#target(turn)));
    }
    const reply = await this.#respondBy(voice, turn, { direct, asked, words, call }, show, signal);
    if (!CALLS_FOR_ANOTHER.has(reply.failure ?? "") || (reply.partial ?? "") !== "" || signal.aborted) return reply;
    const other = await this.#voices.fallbackOf(voice, turn, encrypted);
    if (other === undefined) return reply;
    this.#options.log.info(
      { ghost: turn.ghost, room: turn.roomId, event: turn.eventId, by: other.by.name },
      "fallback",
    );
    const note = words.fallback(other.by.displayName, withoutPath(other.model));
    const instead = await this.#respondBy(other, turn, { direct, asked, words, call, note }, show, signal);
    return instead.outcome === "failed" ? reply : instead;
  }

  async #respondBy(
    voice: Voice,
    turn: Turn,
    { direct, asked, words, call, note }: Manner,
    show: (text: string) => void,
    signal: AbortSignal,
  ): Promise<TurnReply> {
    const { agent, provider, model } = voice;
    const { company, encrypted } = asked;
    const sending = { ghost: turn.ghost, roomId: turn.roomId };
    const heard = new Heard();
    try {
      const place = await unlessAborted(this.#options.privacy.placeOf(provider, model), signal);
      const may = await this.#options.privacy.check({ ...sending, encrypted }, place);
      if (may !== "yes") return await this.#withheld(turn, { ...place, call, encrypted }, may, words);
      if (agent.makes === "pictures") return await this.#draw(turn, voice, place, asked, signal);
      let plan: Plan | undefined = { withoutOldPictures: false, isShorter: false };
      while (plan !== undefined) {
        const prompt = await this.#promptOf(voice, turn, { direct, asked }, plan, signal);
        await this.#options.privacy.note({ ...sending, ...place, model, kind: "chat", bytes: sizeOf(prompt.messages) });
        plan = await this.#hear(voice, turn, prompt, plan, { heard, show, signal });
      }
      const text = heard.text.trim();
      if (text === "") throw new ProviderError("empty", "the answer holds no text");
      const target = await this.#target(turn);
      const address = this.#addressOf(turn, target, heard.text, company);
      const below = [note, heard.end === undefined ? undefined : words.ended[heard.end](provider.name)];
      const said = below.filter((line) => line !== undefined).join(" ");
      const messages = await answerMessages(text, turn, target, address, said === "" ? undefined : said);
      return {
        outcome: "answered",
        messages: this.#thoughtful(messages, heard.thinking),
        ...(heard.usage === undefined ? {} : { usage: heard.usage }),
      };
    } catch (error) {
      const said = heard.text.trim();
      if (signal.aborted) {
        if (signal.reason instanceof TurnStopped) return await this.#stopped(turn, said, signal.reason);
        const why = heard.isBegun ? "ran_on" : "timeout";
        if (isTimeout(signal.reason)) return { ...(await this.giveUp(turn, why)), partial: said };
        throw error;
      }
      if (!(error instanceof UnreadableFile) && !(error instanceof ProviderError)) throw error;
      const target = await this.#target(turn);
      if (error instanceof UnreadableFile) return this.failed(turn, error.why, words, target, call);
      this.#options.log.warn({ ghost: turn.ghost, room: turn.roomId, event: turn.eventId, error }, "no answer");
      const why = error.code === "timeout" && heard.isBegun ? "fell_silent" : error.code;
      const failed = this.failed(turn, why, words, target, call);
      // Nothing was said: the server is away, or was just going. What was begun is not begun again.
      const isAway = ["unreachable", "busy", "cut_off"].includes(error.code) && heard.text === "";
      return isAway ? { ...failed, retry: true } : { ...failed, partial: said };
    }
  }

  /** What a model is given of a conversation, as much as it can take. */
  async #promptOf(
    voice: Voice,
    turn: Turn,
    { direct, asked }: Pick<Manner, "direct" | "asked">,
    { withoutOldPictures, isShorter }: Plan,
    signal: AbortSignal,
  ): Promise<Prompt> {
    const { agent, set } = voice;
    const { company } = asked;
    const contextTokens = this.#windows.of(keyOf(voice), await this.#voices.contextOf(voice));
    const counting = { group: !direct, estimateTokens: this.#counter.of(keyOf(voice)) };
    const budgetTokens = Math.floor((contextTokens - answerReserve(contextTokens)) * (isShorter ? LESS : 1));
    const reading = this.#read(turn, voice, asked, { ...counting, budgetTokens, signal });
    const { messages: read, replies } = await unlessAborted(reading, signal);
    const target = read.at(-1)?.repliesTo;
    const shown = read.map((message, at) =>
      message.images === undefined ||
      at === read.length - 1 ||
      message.eventId === target ||
      !(withoutOldPictures || this.#refusedPictures.has(keyOf(voice), message))
        ? message
        : withoutPictures(message),
    );
    const messages = buildPrompt({
      systemPrompt: set.system ?? agent.systemPrompt,
      keepInMind: set.remember,
      agentName: agent.displayName,
      ...counting,
      helpers: company.helpers.map((helper) => ({
        localpart: helper.agent.localpart,
        name: helper.agent.displayName,
        model: helper.agent.model ?? DEMO_MODEL,
      })),
      discussion: company.discussion && this.#described(turn, company.discussion),
      summary: asked.summary,
      messages: shown,
      replies,
      isRootUnread: asked.about.isRootUnread,
      budgetTokens,
    });
    const oldPictures = shown.slice(0, -1).filter(({ eventId, images }) => images !== undefined && eventId !== target);
    const leftOut = read.filter(({ images }, at) => images !== undefined && shown[at]?.images === undefined);
    return { messages, contextTokens, estimateTokens: counting.estimateTokens, oldPictures, leftOut };
  }

  /** Asks the model, and takes in what it says. Resolves with how to ask again, once, where it refused what can be left out. */
  async #hear(
    voice: Voice,
    turn: Turn,
    prompt: Prompt,
    plan: Plan,
    {
      heard,
      show,
      signal,
    }: { readonly heard: Heard; readonly show: (text: string) => void; readonly signal: AbortSignal },
  ): Promise<Plan | undefined> {
    const { agent, by, provider, model, set } = voice;
    const { messages, contextTokens } = prompt;
    const temperature = set.temperature ?? agent.temperature;
    const used = messages.reduce(
      (sum, { content }) => sum + prompt.estimateTokens(content) + MESSAGE_OVERHEAD_TOKENS,
      0,
    );
    try {
      for await (const chunk of provider.chat({
        model,
        messages,
        contextTokens,
        maxAnswerTokens: Math.max(answerReserve(contextTokens), contextTokens - used - TEMPLATE_TOKENS),
        asker: turn.asker,
        ...(temperature === undefined ? {} : { temperature }),
        ...(by.effort === undefined ? {} : { effort: by.effort }),
        ...(by.keepAlive === undefined ? {} : { keepAlive: by.keepAlive }),
        signal,
      })) {
        if (heard.add(chunk)) show(heard.text);
        reached("model.chunk");
      }
    } catch (error) {
      if (heard.text !== "" || signal.aborted || !(error instanceof ProviderError)) throw error;
      const next = this.#withLess(voice, prompt, plan, error);
      if (next === undefined) throw error;
      this.#options.log.info(
        { ghost: turn.ghost, room: turn.roomId, event: turn.eventId, error },
        "asking again with less",
      );
      return next;
    }
    if (heard.usage !== undefined) this.#learn(voice, messages, heard.usage.promptTokens);
    for (const message of prompt.leftOut) this.#refusedPictures.add(keyOf(voice), message);
    return undefined;
  }

  /** How to ask again what a model refused; undefined where less of it would not help. */
  #withLess(voice: Voice, prompt: Prompt, plan: Plan, error: ProviderError): Plan | undefined {
    if (error instanceof PromptTooLong) {
      // What pictures take is not known: they say nothing of the window.
      if (!hasPictures(prompt.messages)) {
        this.#windows.refused(keyOf(voice), prompt.contextTokens, error.limitTokens);
        if (error.promptTokens !== undefined) this.#learn(voice, prompt.messages, error.promptTokens);
      }
      return plan.isShorter ? undefined : { withoutOldPictures: true, isShorter: true };
    }
    if (error.code !== "refused" || prompt.oldPictures.length === 0 || plan.withoutOldPictures) return undefined;
    return { ...plan, withoutOldPictures: true };
  }

  /** How the answer of a turn is shown while it is made. */
  async drafting(turn: Turn): Promise<Drafting> {
    const { maxEdits } = this.#options.answers;
    const set = await this.#options.settings.get(turn.ghost, turn.roomId);
    const { stream = this.#options.defaults.stream } = set;
    const { next } = await this.#companyOf(turn, set);
    const begun = (): boolean => this.#begun.get(turn) ?? false;
    // In a discussion only its end is for people's phones.
    const address = (): Address => toAsker(turn, begun() || next !== undefined);
    const draft = async (text: string): Promise<MessageContent> =>
      draftContent(await beginningOf(text, turn), targetOf(turn, begun()), address());
    return {
      shows: stream !== "off",
      maxEdits,
      begin: async (text) => {
        this.#begun.set(turn, await this.#follows(turn));
        return draft(text);
      },
      anew: await draft("…"),
      edit: async (eventId, text) => editContent(eventId, await draft(text)),
      whole: (reply) => withPartial(reply, turn, targetOf(turn, begun()), address()),
      finish: async (reply, [draft, ...others]) => {
        const whole = await withPartial(reply, turn, targetOf(turn, begun()), address());
        if (whole.withdrawn === true) return { ...whole, redacts: [draft, ...others] };
        // What a former process has shown stays as it is: the words are not known here.
        if (whole.messages.length === 0) return whole;
        if (stream === "replace" && turn.kind !== "edit") return { ...whole, redacts: [draft, ...others] };
        return { ...edited(whole, draft, address().mentions), redacts: others };
      },
    };
  }

  /** A turn has come to its end: what it took is counted, and a conversation that has become too long summed up. */
  async ended(turn: Turn, { usage, messages }: TurnReply): Promise<void> {
    const said = messages.reduce((sum, { remembered = "" }) => sum + estimateTokens(remembered), 0);
    const tokens = usage === undefined ? said : usage.promptTokens + usage.answerTokens;
    await this.#options.allowances.spend(usersOf(turn), tokens);
    await this.#sumUp(turn);
  }

  /** What to say of a turn that failed for reasons of our own. */
  async giveUp(turn: Turn, why: "unknown" | "waited" | "timeout" | "ran_on"): Promise<TurnReply> {
    const words = await this.#options.language.words(turn.ghost, turn.roomId);
    return this.failed(turn, why, words, await this.#target(turn));
  }

  /** What there is of an answer that somebody has stopped. */
  async #stopped(turn: Turn, said: string, { keeps }: TurnStopped): Promise<TurnReply> {
    if (!keeps) return { outcome: "stopped", messages: [], withdrawn: true };
    const target = await this.#target(turn);
    const messages = said === "" ? [] : await answerMessages(said, turn, target, toAsker(turn, target.follows));
    return { outcome: "stopped", messages };
  }

  /** What an answer of the turn replies to, or follows. */
  async #target(turn: Turn): Promise<ReplyTarget> {
    return targetOf(turn, this.#begun.get(turn) ?? (await this.#follows(turn)));
  }

  /** Whether the answer comes right behind its question: in doubt it does not, and quotes it. */
  async #follows(turn: Turn): Promise<boolean> {
    return turn.kind === "answer" && turn.threadRoot === undefined && this.#options.isLatest(turn);
  }

  /** The answer that a turn is to edit: all its parts; empty when it is to be a message of its own. */
  async toBeEdited(turn: Turn): Promise<readonly string[]> {
    return turn.kind === "edit" ? this.#options.history.answersTo(turn.ghost, turn.roomId, turn.eventId) : [];
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
      encrypted: await this.#options.turns.cameEncrypted(turn, tx),
    });
  }

  /** The notice that says why a question has no answer. */
  failed(turn: NewTurn, failure: TurnFailure, { failures }: Words, target: ReplyTarget, call = ""): TurnReply {
    const agent = this.#options.agentOf(turn.ghost);
    const words = failures[failure]({
      agent: agent?.displayName ?? userLocalpart(turn.ghost),
      model: withoutPath(agent?.model ?? ""),
      provider: agent?.provider ?? "",
      call,
    });
    return this.declined(turn, failure, words, target);
  }

  /** Nothing was sent: why, and what can be done. */
  async #withheld(
    turn: Turn,
    { encrypted, ...place }: Place & { readonly call: string; readonly encrypted: boolean },
    why: "ask" | "declined" | "denied",
    { consent }: Words,
  ): Promise<TurnReply> {
    const named = { agent: this.#options.agentOf(turn.ghost)?.displayName ?? turn.ghost, ...place };
    const target = await this.#target(turn);
    if (why === "declined") return this.declined(turn, "cloud_declined", consent.declined(named), target);
    if (why === "denied") {
      const rule = await this.#options.privacy.ruleIn({ roomId: turn.roomId, encrypted });
      return this.declined(turn, "cloud_denied", consent.denied(named, rule), target);
    }
    const toWhom = consentTarget(place.provider, place.host);
    const waiting = await this.#options.turns.withoutConsent(turn.ghost, turn.roomId);
    const isAsked = waiting.some((other) => other.target === toWhom);
    const isEncrypted = encrypted || (await this.#options.isEncrypted(turn.roomId));
    const question = isAsked ? consent.pending(named, isEncrypted) : consent.ask(named, isEncrypted);
    return { ...this.declined(turn, "needs_consent", question, target), consentTarget: toWhom };
  }

  /** A question that is not asked: the notice says why. */
  declined(turn: NewTurn, failure: string, words: string, target: ReplyTarget): TurnReply {
    return { outcome: "failed", failure, messages: [{ content: noticeContent(words, target, markOf(turn)) }] };
  }

  /** The answer with what the model said to itself above its beginning, where that is wanted. */
  #thoughtful(messages: readonly TurnMessage[], thinking: string): readonly TurnMessage[] {
    const [first, ...others] = messages;
    if (!this.#options.answers.thinking || thinking.trim() === "" || first === undefined) return messages;
    const content = withThinking(first.content, thinking);
    return isSmall(content) ? [{ ...first, content }, ...others] : messages;
  }

  async #companyOf(turn: Turn, set: RoomSettings): Promise<Company> {
    const { agentsIn, exchanges, exchangeLimits, defaults, permissions } = this.#options;
    const exchange = await exchanges.get(turn);
    if (exchange === undefined) return ALONE;
    const { asker, roomId } = turn;
    // Whom who asks may not use, nobody asks on their account.
    const others = (await agentsIn(roomId)).filter(
      ({ userId }) =>
        userId !== turn.ghost && permissions.allows({ act: "message", userId: asker, ghost: userId, roomId }),
    );
    const { discussion } = exchange;
    if (discussion !== undefined) {
      const isThere = (userId: string): boolean => others.some((other) => other.userId === userId);
      const isLast = turn.hops + 1 >= discussion.length;
      const next = isLast ? undefined : nextSpeaker(discussion.participants, turn.ghost, isThere);
      return { helpers: [], discussion, next };
    }
    const { delegate = defaults.delegate } = set;
    return delegate === "on" && turn.hops < exchangeLimits.maxHops ? { ...ALONE, helpers: others } : ALONE;
  }

  #described({ ghost, hops }: Turn, { topic, participants, length }: Discussion): PromptParts["discussion"] {
    const others = participants.filter((userId) => userId !== ghost);
    const names = others.map((userId) => this.#options.agentOf(userId)?.displayName ?? userId);
    return { topic, others: names, turn: hops + 1, length };
  }

  /**
   * Whom an answer is for: who asked, and the agents that it asks. No other person, whoever is named in it: a question that has
   * names in it would make an agent ring for all of them.
   */
  #addressOf(turn: Turn, target: ReplyTarget, text: string, { helpers, next, discussion }: Company): Address {
    if (target.follows === true) return toAsker(turn, true);
    const mark = markOf(turn);
    if (discussion !== undefined && next !== undefined) return { mentions: [], asks: [next], mark };
    // Agents are asked by a line of their own, and only where they may be.
    const asks = callsIn(text, helpers).map(({ userId }) => userId);
    return { mentions: [turn.asker], asks, mark };
  }

  /** A picture of what was asked for, in the place of words. */
  async #draw(
    turn: Turn,
    { provider, model }: Voice,
    place: Place,
    asked: Asked,
    signal: AbortSignal,
  ): Promise<TurnReply> {
    const { ghost, roomId } = turn;
    const question = asked.latest.at(-1);
    const caption = question?.body ?? "";
    const about = asked.about.replies.get(question?.repliesTo ?? "")?.body ?? "";
    const prompt = [about, caption].filter((part) => part !== "").join("\n\n");
    if (provider.draw === undefined) throw new ProviderError("refused", "this provider makes no pictures");
    const size = Buffer.byteLength(prompt);
    await this.#options.privacy.note({ ghost, roomId, ...place, model, kind: "picture", bytes: size });
    const bytes = await provider.draw({ model, prompt, signal });
    const file = await this.#options.upload(ghost, roomId, bytes, pictureType(bytes) ?? "image/png", formFor(asked));
    const target = await this.#target(turn);
    const content = pictureContent({ bytes, file, caption }, target, toAsker(turn, target.follows));
    return { outcome: "answered", messages: [{ content, remembered: `(A picture: ${caption})` }] };
  }

  /** The messages of a turn, and what they reply to, with what their files hold. */
  async #read(
    turn: Turn,
    { by, provider, model }: Voice,
    { latest, about, encrypted }: Asked,
    limits: Pick<ReadingOptions, "budgetTokens" | "group" | "estimateTokens" | "signal">,
  ): Promise<{
    readonly messages: readonly PromptMessage[];
    readonly replies: ReadonlyMap<string, PromptMessage>;
  }> {
    const { models, download, readFiles: known } = this.#options;
    const { ghost, roomId } = turn;
    const pictures = this.#pictures.get(turn) ?? new Map<string, Uint8Array>();
    this.#pictures.set(turn, pictures);
    const read = await readFiles(withReplied(latest, about.replies), {
      ...limits,
      room: this.#readingRoom,
      repliedTo: latest.at(-1)?.repliesTo,
      canSee: async () => by.vision ?? (await models.facts(provider, model)).sees,
      download: (attachment, maxBytes, signal) => download(ghost, attachment, maxBytes, signal),
      transcribe: (message, audio) => this.#transcribe({ ghost, roomId, encrypted }, message, audio, limits.signal),
      find: ({ eventId }) => known.find({ ghost, eventId }),
      keep: ({ eventId }, outcome) => known.keep({ ghost, eventId }, outcome),
      pictures,
    });
    const said = new Set(latest.map(({ eventId }) => eventId));
    const replies = new Map<string, PromptMessage>(about.replies);
    for (const message of read) if (replies.has(message.eventId)) replies.set(message.eventId, message);
    return { messages: read.filter(({ eventId }) => said.has(eventId)), replies };
  }

  /** The words of a recording, which stand in its place from now on. */
  async #transcribe(whose: Whose, message: RememberedMessage, audio: Uint8Array, signal: AbortSignal): Promise<string> {
    const { transcription, provider, history, privacy } = this.#options;
    const heard = transcription && provider(transcription.provider);
    if (transcription === undefined || heard?.transcribe === undefined) throw new UnreadableFile("cant_hear");
    const { model } = transcription;
    const place = await privacy.placeOf(heard, model);
    const { ghost, roomId } = whose;
    if ((await privacy.check(whose, place)) !== "yes") throw new UnreadableFile("cant_hear");
    await privacy.note({ ghost, roomId, ...place, model, kind: "recording", bytes: audio.byteLength });
    const words = await heard
      // Its ending tells what it is, and nothing more is told.
      .transcribe({ model, audio, fileName: `voice.${recordingEnding(audio) ?? "ogg"}`, signal })
      .catch((error: unknown) => {
        if (signal.aborted || !(error instanceof ProviderError)) throw error;
        throw new UnreadableFile("cant_hear", { cause: error });
      });
    const text = words.trim();
    if (text === "") throw new UnreadableFile("no_text");
    await history.transcribed(
      ghost,
      roomId,
      message.eventId,
      [message.body, text].filter((part) => part !== "").join("\n\n"),
    );
    return text;
  }

  /** Pictures cost what no estimate of text knows. */
  #learn(voice: Voice, prompt: readonly ChatMessage[], promptTokens: number): void {
    if (hasPictures(prompt)) return;
    const estimated = prompt.reduce((sum, { content }) => sum + estimateTokens(content) + MESSAGE_OVERHEAD_TOKENS, 0);
    this.#counter.learn(keyOf(voice), estimated, promptTokens);
  }

  /** What goes into a turn's prompt, read once, whoever's model answers. */
  async #asked(turn: Turn, set: RoomSettings, direct: boolean, signal: AbortSignal): Promise<Asked> {
    const { ghost, roomId, position, kind, threadRoot } = turn;
    const { history, summaries, defaults, models } = this.#options;
    const isMore = kind === "continue";
    const { summaries: sums = defaults.summaries } = set;
    const before = sums === "on" ? await summaries.get(turn) : undefined;
    // An old question that is answered again is asked as it was then.
    const summary = before !== undefined && before.upTo < position ? before : undefined;
    const said = await history.upTo(ghost, roomId, position, MAX_PROMPT_MESSAGES, {
      withAnswer: isMore,
      threadRoot,
      after: summary?.upTo ?? 0,
    });
    const question = said.find(({ eventId }) => eventId === turn.eventId);
    // Of what stands outside the ciphertext, the homeserver could have made up which thread it is.
    const isCertain =
      direct || !turn.encrypted || agentIn(this.#options.agentOf(ghost), set, models)?.locality === "local";
    const about = await this.#repliedMessages.of(turn, said, { mayReadRoot: isCertain, signal });
    const messages = inThread(about.root, said);
    const latest =
      isMore && question !== undefined
        ? [...messages, { ...question, body: GO_ON, attachment: undefined, repliesTo: undefined }]
        : messages;
    const company = direct ? ALONE : await this.#companyOf(turn, set);
    const encrypted =
      turn.encrypted ||
      set.encrypted ||
      company.discussion?.encrypted === true ||
      summary?.encrypted === true ||
      [...latest, ...about.replies.values()].some((message) => message.encrypted);
    return { latest, about, summary: summary?.body, company, encrypted };
  }

  async #sumUp(turn: Turn): Promise<void> {
    const voice = await this.#voices.of(turn);
    if (voice === undefined || !this.#voices.isFor(voice, turn)) return;
    const { agent, provider, model, set } = voice;
    const { summaries = this.#options.defaults.summaries } = set;
    if (summaries !== "on" || model === DEMO_MODEL || agent.makes !== "text") return;
    const { privacy } = this.#options;
    const { ghost, roomId } = turn;
    const contextTokens = this.#windows.of(keyOf(voice), await this.#voices.contextOf(voice));
    const maxAnswerTokens = answerReserve(contextTokens);
    this.#options.summaries.keepUp(turn, {
      budgetTokens: contextTokens - maxAnswerTokens,
      countTokens: this.#counter.of(keyOf(voice)),
      take: async (who) =>
        (await this.#options.allowances.takeNow(usersOf({ asker: who, roomId, ghost }))) === undefined,
      spend: (who, tokens) => this.#options.allowances.spend(usersOf({ asker: who, roomId, ghost }), tokens),
      ask: async (messages, { encrypted }, signal) => {
        const kept = agent.keepAlive === undefined ? {} : { keepAlive: agent.keepAlive };
        const request = { model, messages, contextTokens, maxAnswerTokens, ...kept, signal };
        const place = await privacy.placeOf(provider, model);
        if ((await privacy.check({ ghost, roomId, encrypted }, place)) !== "yes") {
          throw new ProviderError("refused", "nothing of this room may go to the provider any more");
        }
        await privacy.note({ ghost, roomId, ...place, model, kind: "summary", bytes: sizeOf(messages) });
        const heard = new Heard();
        try {
          for await (const chunk of provider.chat(request)) heard.add(chunk);
        } catch (error) {
          if (error instanceof PromptTooLong) this.#windows.refused(keyOf(voice), contextTokens, error.limitTokens);
          throw error;
        }
        const { text } = heard;
        if (text.trim() === "") throw new ProviderError("empty", "the summary holds no text");
        return text;
      },
    });
  }
}

/** A conversation in which what is replied to stands before its first reply, where it does not stand elsewhere in it. */
/**
 * A conversation with what its thread begins with. No prompt begins with the agent's own words: the first message that replies to
 * nothing else quotes them.
 */
function inThread(
  root: RememberedMessage | undefined,
  messages: readonly RememberedMessage[],
): readonly RememberedMessage[] {
  if (root === undefined) return messages;
  if (root.author === "person") return [root, ...messages];
  const first = messages.find(
    ({ author, repliesTo = root.eventId }) => author === "person" && repliesTo === root.eventId,
  );
  return messages.map((message) => (message === first ? { ...message, repliesTo: root.eventId } : message));
}

function withReplied(
  messages: readonly RememberedMessage[],
  replies: ReadonlyMap<string, RememberedMessage>,
): readonly RememberedMessage[] {
  const there = new Set(messages.map(({ eventId }) => eventId));
  return messages.flatMap((message) => {
    const to = replies.get(message.repliesTo ?? "");
    if (to === undefined || there.has(to.eventId)) return [message];
    there.add(to.eventId);
    return [to, message];
  });
}

function hasPictures(prompt: readonly ChatMessage[]): boolean {
  return prompt.some(({ images = [] }) => images.length > 0);
}

/** A message whose picture is named and not shown. */
function withoutPictures(message: PromptMessage): PromptMessage {
  const shown: { images?: unknown } = { ...message };
  delete shown.images;
  return shown as PromptMessage;
}

/** A reply of the bridge's own words alone, which hold nothing of the conversation. */
function fixed(reply: TurnReply): TurnReply {
  return { ...reply, messages: reply.messages.map((message) => ({ ...message, isFixed: true })) };
}

/** What a prompt comes to, in bytes. */
function sizeOf(messages: readonly ChatMessage[]): number {
  return messages.reduce(
    (sum, { content, images = [] }) =>
      sum + Buffer.byteLength(content) + images.reduce((all, image) => all + image.byteLength, 0),
    0,
  );
}

/** What work comes to, or the signal's reason as soon as nobody waits for it any more. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const stopped = Promise.withResolvers<never>();
  const stop = (): void => stopped.reject(signal.reason as Error);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await Promise.race([work, stopped.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === "TimeoutError";
}
