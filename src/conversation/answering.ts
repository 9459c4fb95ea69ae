import type { AnswerSettings, ExchangeSettings } from "../config/config.ts";
import type { Queryable } from "../database/database.ts";
import type { Words } from "../language/words.ts";
import { targetOf as consentTarget } from "../privacy/consents.ts";
import type { Place } from "../privacy/gate.ts";
import type { Logger } from "../observability/log.ts";
import { reached } from "../observability/steps.ts";
import { DEMO_MODEL } from "../providers/demo.ts";
import { pictureType } from "../providers/pictures.ts";
import { ProviderError, type ChatMessage, type ChatUsage } from "../providers/provider.ts";
import type { SentFile } from "../ghost/listener.ts";
import type { RoomDefaults, RoomSettings } from "../rooms/settings.ts";
import { usersOf, type Allowances } from "../turns/allowances.ts";
import type { Discussion, Exchanges } from "../turns/exchanges.ts";
import type { Drafting } from "../turns/turn-runner.ts";
import { TurnStopped, type Turn, type TurnMessage, type TurnReply } from "../turns/turn.ts";
import type { NewTurn, TurnStore } from "../turns/turn-store.ts";
import { recordingName, type Attachment } from "./attachments.ts";
import { answerMessages, edited, fits, isSmall, targetOf, toAsker, withNote, withPartial } from "./answer-messages.ts";
import type { ListedAgent } from "./bot.ts";
import { keyOf, Voices, type Voice, type VoicesOptions } from "./voices.ts";
import { callsIn, namedPeople, nextSpeaker } from "./exchange.ts";
import type { History, RememberedMessage } from "./history.ts";
import type { TurnFailure } from "./notices.ts";
import { answerReserve, buildPrompt, type PromptParts } from "./prompt.ts";
import { readFiles, UnreadableFile } from "./reading.ts";
import {
  draftContent,
  editContent,
  noticeContent,
  pictureContent,
  withThinking,
  type Address,
  type MessageContent,
} from "./reply.ts";
import type { RoomLanguage } from "./room-language.ts";
import { splitMarkdown } from "./split.ts";
import type { Summaries } from "./summaries.ts";
import { TokenCounter } from "./token-counter.ts";
import { estimateTokens, MESSAGE_OVERHEAD_TOKENS } from "./tokens.ts";

/** What answers are made with. */
export interface AnsweringOptions extends VoicesOptions {
  readonly history: History;
  readonly answers: AnswerSettings;
  /** A file that somebody sent. Rejects with {@link UnreadableFile}, or as it is when the same may work later. */
  readonly download: (ghost: string, attachment: Attachment, maxBytes: number) => Promise<Uint8Array>;
  /** Puts a file on the homeserver, encrypted where the room is; resolves with how a message names it. */
  readonly upload: (ghost: string, roomId: string, bytes: Uint8Array, mimetype: string) => Promise<SentFile>;
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
  readonly log: Logger;
}

/** How many messages back a prompt reaches at the most, however short they are. */
const MAX_PROMPT_MESSAGES = 200;

/** What a model is told that is to say more. */
const GO_ON = "Go on exactly where you stopped. Do not repeat anything that you have said already.";

/** Who else is at a turn. */
interface Company {
  /** Agents that may be asked for help. */
  readonly helpers: readonly ListedAgent[];
  readonly discussion: Discussion | undefined;
  /** Whose turn it is next in the discussion. */
  readonly next: string | undefined;
}

/** Failures after which another agent's model may answer, where nothing was said yet. */
const CALLS_FOR_ANOTHER: ReadonlySet<string> = new Set(["unreachable", "busy", "model_missing", "timeout", "cut_off"]);

const ALONE: Company = { helpers: [], discussion: undefined, next: undefined };

/** Makes the answer of a turn, as it is shown, sent and remembered. */
export class Answering {
  readonly #options: AnsweringOptions;
  readonly #voices: Voices;
  readonly #counter = new TokenCounter();

  constructor(options: AnsweringOptions) {
    this.#options = options;
    this.#voices = new Voices(options);
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
    if (voice === undefined) return this.failed(turn, "gone", words);
    const reply = await this.#respondBy(voice, turn, { direct, words }, show, signal);
    if (!CALLS_FOR_ANOTHER.has(reply.failure ?? "") || (reply.partial ?? "") !== "" || signal.aborted) return reply;
    const other = await this.#voices.fallbackOf(voice, turn);
    if (other === undefined) return reply;
    this.#options.log.info(
      { ghost: turn.ghost, room: turn.roomId, event: turn.eventId, by: other.by.name },
      "fallback",
    );
    const note = words.fallback(other.by.displayName, other.model);
    const instead = await this.#respondBy(other, turn, { direct, words, note }, show, signal);
    return instead.outcome === "failed" ? reply : instead;
  }

  /** @param manner.note stands below the answer. */
  async #respondBy(
    voice: Voice,
    turn: Turn,
    { direct, words, note }: { readonly direct: boolean; readonly words: Words; readonly note?: string },
    show: (text: string) => void,
    signal: AbortSignal,
  ): Promise<TurnReply> {
    const { agent, by, provider, model, set } = voice;
    const company = direct ? ALONE : await this.#companyOf(turn, set);
    const messages = await this.#messagesFor(turn, set);
    const sending = { ghost: turn.ghost, roomId: turn.roomId };
    const temperature = set.temperature ?? agent.temperature;
    let text = "";
    let thinking = "";
    let usage: ChatUsage | undefined;
    try {
      const place = await unlessAborted(this.#options.privacy.placeOf(provider, model), signal);
      const may = await this.#options.privacy.check(sending, place);
      if (may !== "yes") return await this.#withheld(turn, place, may, words);
      if (agent.makes === "pictures") return await this.#draw(turn, voice, place, messages.latest, signal);
      const reading = readFiles(messages.latest, {
        canSee: async () => by.vision ?? (await this.#options.models.facts(provider, model)).sees,
        download: (attachment, maxBytes) => this.#options.download(turn.ghost, attachment, maxBytes),
        transcribe: (message, attachment, audio) => this.#transcribe(turn, message, attachment, audio, signal),
      });
      const readMessages = await unlessAborted(reading, signal);
      const contextTokens = await this.#voices.contextOf(voice);
      const prompt = buildPrompt({
        systemPrompt: set.system ?? agent.systemPrompt,
        keepInMind: set.remember,
        agentName: agent.displayName,
        group: !direct,
        helpers: company.helpers.map((helper) => ({
          localpart: helper.agent.localpart,
          name: helper.agent.displayName,
          model: helper.agent.model ?? DEMO_MODEL,
        })),
        discussion: company.discussion && this.#described(turn, company.discussion),
        summary: messages.summary,
        messages: readMessages,
        budgetTokens: contextTokens - answerReserve(contextTokens),
        estimateTokens: this.#counter.of(keyOf(voice)),
      });
      await this.#options.privacy.note({ ...sending, ...place, model, kind: "chat", bytes: sizeOf(prompt) });
      for await (const chunk of provider.chat({
        model,
        messages: prompt,
        contextTokens,
        maxAnswerTokens: answerReserve(contextTokens),
        asker: turn.asker,
        ...(temperature === undefined ? {} : { temperature }),
        ...(by.keepAlive === undefined ? {} : { keepAlive: by.keepAlive }),
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
      if (usage !== undefined) this.#learn(voice, prompt, usage);
      const address = this.#addressOf(turn, text, company, messages.latest);
      return {
        outcome: "answered",
        messages: this.#thoughtful(answerMessages(withNote(text.trim(), note), turn, address), thinking),
        ...(usage === undefined ? {} : { usage }),
      };
    } catch (error) {
      const said = text.trim();
      if (signal.aborted) {
        if (signal.reason instanceof TurnStopped) {
          if (!signal.reason.keeps) return { outcome: "stopped", messages: [], withdrawn: true };
          return { outcome: "stopped", messages: said === "" ? [] : answerMessages(said, turn, toAsker(turn)) };
        }
        if (isTimeout(signal.reason)) return { ...this.failed(turn, "timeout", words), partial: said };
        throw error;
      }
      if (error instanceof UnreadableFile) return this.failed(turn, error.why, words);
      if (!(error instanceof ProviderError)) throw error;
      this.#options.log.warn({ ghost: turn.ghost, room: turn.roomId, event: turn.eventId, error }, "no answer");
      const failed = this.failed(turn, error.code, words);
      // Nothing was said: the server is away, or was just going. What was begun is not begun again.
      const isAway = (error.code === "unreachable" || error.code === "busy" || error.code === "cut_off") && text === "";
      return isAway ? { ...failed, retry: true } : { ...failed, partial: said };
    }
  }

  /** How the answer of a turn is shown while it is made. */
  async drafting(turn: Turn): Promise<Drafting> {
    const { maxEdits } = this.#options.answers;
    const set = await this.#options.settings.get(turn.ghost, turn.roomId);
    const { stream = this.#options.defaults.stream } = set;
    const { next } = await this.#companyOf(turn, set);
    // In a discussion only its end is for people's phones.
    const address = next === undefined ? toAsker(turn) : { ...toAsker(turn), mentions: [] };
    const begin = (text: string): MessageContent => {
      const [beginning = text] = splitMarkdown(text, (part) => fits(part, turn));
      return draftContent(beginning, targetOf(turn), address);
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
        return { ...edited(whole, draft, address.mentions), redacts: others };
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
  async giveUp(turn: Turn, why: "unknown" | "waited" | "timeout"): Promise<TurnReply> {
    return this.failed(turn, why, await this.#options.language.words(turn.ghost, turn.roomId));
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
    });
  }

  /** The notice that says why a question has no answer. */
  failed(turn: NewTurn, failure: TurnFailure, { failures }: Words): TurnReply {
    const agent = this.#options.agentOf(turn.ghost);
    const words = failures[failure]({
      agent: agent?.displayName ?? turn.ghost,
      model: agent?.model ?? "",
      provider: agent?.provider ?? "",
    });
    return { outcome: "failed", failure, messages: [{ content: noticeContent(words, targetOf(turn)) }] };
  }

  /** Nothing was sent: why, and what can be done. */
  async #withheld(
    turn: Turn,
    place: Place,
    why: "ask" | "declined" | "denied",
    { consent }: Words,
  ): Promise<TurnReply> {
    const named = { agent: this.#options.agentOf(turn.ghost)?.displayName ?? turn.ghost, ...place };
    if (why !== "ask") return this.declined(turn, `cloud_${why}`, consent[why](named));
    const target = consentTarget(place.provider, place.host);
    const waiting = await this.#options.turns.withoutConsent(turn.ghost, turn.roomId);
    const isAsked = waiting.some((other) => other.target === target);
    const isEncrypted = await this.#options.isEncrypted(turn.roomId);
    const question = isAsked ? consent.pending(named, isEncrypted) : consent.ask(named, isEncrypted);
    return { ...this.declined(turn, "needs_consent", question), consentTarget: target };
  }

  /** A question that is not asked: the notice says why. */
  declined(turn: NewTurn, failure: string, words: string): TurnReply {
    return { outcome: "failed", failure, messages: [{ content: noticeContent(words, targetOf(turn)) }] };
  }

  /** The answer with what the model said to itself above its beginning, where that is wanted. */
  #thoughtful(messages: readonly TurnMessage[], thinking: string): readonly TurnMessage[] {
    const [first, ...others] = messages;
    if (!this.#options.answers.thinking || thinking.trim() === "" || first === undefined) return messages;
    const content = withThinking(first.content, thinking);
    return isSmall(content) ? [{ ...first, content }, ...others] : messages;
  }

  async #companyOf(turn: Turn, set: RoomSettings): Promise<Company> {
    const { agentsIn, exchanges, exchangeLimits, defaults } = this.#options;
    const exchange = await exchanges.get(turn);
    if (exchange === undefined) return ALONE;
    const others = (await agentsIn(turn.roomId)).filter(({ userId }) => userId !== turn.ghost);
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

  /** Whom an answer is for: who asked, people of the conversation whom it names, and the agents that it asks. */
  #addressOf(
    turn: Turn,
    text: string,
    { helpers, next, discussion }: Company,
    messages: readonly RememberedMessage[],
  ): Address {
    const { mark } = toAsker(turn);
    if (discussion !== undefined && next !== undefined) return { mentions: [next], mark };
    // Agents are asked by a line of their own, and only where they may be.
    const { agentOf } = this.#options;
    const people = messages
      .filter(({ author, sender }) => author === "person" && agentOf(sender) === undefined)
      .map(({ sender }) => sender);
    const asked = callsIn(text, helpers).map(({ userId }) => userId);
    return { mentions: [...new Set([turn.asker, ...namedPeople(text, people), ...asked])], mark };
  }

  /** A picture of what was asked for, in the place of words. */
  async #draw(
    turn: Turn,
    { provider, model }: Voice,
    place: Place,
    messages: readonly RememberedMessage[],
    signal: AbortSignal,
  ): Promise<TurnReply> {
    const { ghost, roomId } = turn;
    const prompt = messages.at(-1)?.body ?? "";
    if (provider.draw === undefined) throw new ProviderError("refused", "this provider makes no pictures");
    const size = Buffer.byteLength(prompt);
    await this.#options.privacy.note({ ghost, roomId, ...place, model, kind: "picture", bytes: size });
    const bytes = await provider.draw({ model, prompt, signal });
    const file = await this.#options.upload(turn.ghost, turn.roomId, bytes, pictureType(bytes) ?? "image/png");
    const content = pictureContent({ bytes, file, caption: prompt }, targetOf(turn), toAsker(turn));
    return { outcome: "answered", messages: [{ content, remembered: `(A picture: ${prompt})` }] };
  }

  /** The words of a recording, which stand in its place from now on. */
  async #transcribe(
    { ghost, roomId }: Turn,
    message: RememberedMessage,
    attachment: Attachment,
    audio: Uint8Array,
    signal: AbortSignal,
  ): Promise<string> {
    const { transcription, provider, history, privacy } = this.#options;
    const heard = transcription && provider(transcription.provider);
    if (transcription === undefined || heard?.transcribe === undefined) throw new UnreadableFile("cant_hear");
    const { model } = transcription;
    const place = await privacy.placeOf(heard, model);
    if ((await privacy.check({ ghost, roomId }, place)) !== "yes") throw new UnreadableFile("cant_hear");
    await privacy.note({ ghost, roomId, ...place, model, kind: "recording", bytes: audio.byteLength });
    const words = await heard
      .transcribe({ model, audio, fileName: recordingName(attachment), signal })
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
  #learn(voice: Voice, prompt: readonly ChatMessage[], { promptTokens }: ChatUsage): void {
    if (prompt.some(({ images = [] }) => images.length > 0)) return;
    const estimated = prompt.reduce((sum, { content }) => sum + estimateTokens(content) + MESSAGE_OVERHEAD_TOKENS, 0);
    this.#counter.learn(keyOf(voice), estimated, promptTokens);
  }

  async #messagesFor(
    turn: Turn,
    set: RoomSettings,
  ): Promise<{ readonly latest: readonly RememberedMessage[]; readonly summary: string | undefined }> {
    const { ghost, roomId, position, kind, threadRoot } = turn;
    const { history, summaries, defaults } = this.#options;
    const isMore = kind === "continue";
    const { summaries: sums = defaults.summaries } = set;
    const before = sums === "on" ? await summaries.get(turn) : undefined;
    // An old question that is answered again is asked as it was then.
    const summary = before !== undefined && before.upTo < position ? before : undefined;
    const messages = await history.upTo(ghost, roomId, position, MAX_PROMPT_MESSAGES, {
      withAnswer: isMore,
      threadRoot,
      after: summary?.upTo ?? 0,
    });
    const question = messages.find(({ eventId }) => eventId === turn.eventId);
    const latest = isMore && question !== undefined ? [...messages, { ...question, body: GO_ON }] : messages;
    return { latest, summary: summary?.body };
  }

  async #sumUp(turn: Turn): Promise<void> {
    const voice = await this.#voices.of(turn);
    if (voice === undefined) return;
    const { agent, provider, model, set } = voice;
    const { summaries = this.#options.defaults.summaries } = set;
    if (summaries !== "on" || model === DEMO_MODEL || agent.makes !== "text") return;
    const { privacy } = this.#options;
    const { ghost, roomId } = turn;
    const contextTokens = await this.#voices.contextOf(voice);
    const maxAnswerTokens = answerReserve(contextTokens);
    this.#options.summaries.keepUp(turn, {
      budgetTokens: contextTokens - maxAnswerTokens,
      countTokens: this.#counter.of(keyOf(voice)),
      ask: async (messages, signal) => {
        const kept = agent.keepAlive === undefined ? {} : { keepAlive: agent.keepAlive };
        const request = { model, messages, contextTokens, maxAnswerTokens, ...kept, signal };
        const place = await privacy.placeOf(provider, model);
        if ((await privacy.check({ ghost, roomId }, place)) !== "yes") {
          throw new ProviderError("refused", "nothing of this room may go to the provider any more");
        }
        await privacy.note({ ghost, roomId, ...place, model, kind: "summary", bytes: sizeOf(messages) });
        let text = "";
        for await (const chunk of provider.chat(request)) {
          if (chunk.kind === "text") text += chunk.text;
        }
        if (text.trim() === "") throw new ProviderError("empty", "the summary holds no text");
        return text;
      },
    });
  }
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
