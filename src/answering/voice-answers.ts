import type { AnswerSettings } from "../config/config.ts";
import type { Words } from "../language/words.ts";
import type { Logger } from "../observability/log.ts";
import type { PrivacyGate } from "../privacy/gate.ts";
import { ProviderError } from "../providers/provider.ts";
import {
  TurnStopped,
  type AnsweredReply,
  type FailedReply,
  type StoppedReply,
  type Turn,
  type TurnMessage,
  type TurnReply,
} from "../turns/turn.ts";
import type { CallsWanted, ReadyCall } from "../turns/step-loop.ts";
import type { OpenCall, TurnStep } from "../turns/turn-step.ts";
import type { Asking, ReadyAsking } from "../turns/turn-work.ts";
import { answerMessages, isSmall, toAsker } from "./answer-messages.ts";
import { addressOf } from "./company.ts";
import type { ConsentQuestions } from "./consent-questions.ts";
import type { FailureNotices } from "./failure-notices.ts";
import { AnswerSoFar } from "./answer-so-far.ts";
import type { ModelAsker } from "./model-asker.ts";
import type { PromptSource } from "./model-prompt.ts";
import { holdsPromptIn, type PromptQuestions } from "./prompt-questions.ts";
import type { PictureAnswers } from "./picture-answer.ts";
import { withThinking } from "./reply.ts";
import type { ReplyTargets } from "./reply-targets.ts";
import { unlessAborted } from "../concurrency/unless-aborted.ts";
import { definitionsOf, type ToolOffers } from "./tool-offers.ts";
import { withCalls } from "./tool-progress.ts";
import { limitReached, roundsOf } from "./tool-rounds.ts";
import { UnreadableFile } from "./unreadable-file.ts";
import type { Voice } from "./voices.ts";

/** The manner of an answer. */
export interface Manner extends PromptSource {
  /** The phrases of the room, which most answers do not need. */
  readonly words: () => Promise<Words>;
  /** The words before a command that address this agent. */
  readonly call: string;
  /** A note below the answer. */
  readonly note?: string;
}

/** The failures of a model server that is away or going away, before anything was said. */
const AWAY: ReadonlySet<string> = new Set(["unreachable", "busy", "cut_off"]);

/** Makes one voice's answer to a question, or the notice with the reason why there is none. */
export class VoiceAnswers {
  readonly #privacy: PrivacyGate;
  readonly #asker: ModelAsker;
  readonly #tools: ToolOffers;
  readonly #prompts: Pick<PromptQuestions, "put">;
  readonly #pictures: PictureAnswers;
  readonly #consentQuestions: ConsentQuestions;
  readonly #targets: ReplyTargets;
  readonly #notices: FailureNotices;
  readonly #answers: () => Pick<AnswerSettings, "thinking" | "tools">;
  readonly #log: Logger;

  /** @param options.answers the admin's settings; read anew each time. */
  constructor(options: {
    readonly privacy: PrivacyGate;
    readonly asker: ModelAsker;
    readonly tools: ToolOffers;
    readonly prompts: Pick<PromptQuestions, "put">;
    readonly pictures: PictureAnswers;
    readonly consentQuestions: ConsentQuestions;
    readonly targets: ReplyTargets;
    readonly notices: FailureNotices;
    readonly answers: () => Pick<AnswerSettings, "thinking" | "tools">;
    readonly log: Logger;
  }) {
    this.#privacy = options.privacy;
    this.#asker = options.asker;
    this.#tools = options.tools;
    this.#prompts = options.prompts;
    this.#pictures = options.pictures;
    this.#consentQuestions = options.consentQuestions;
    this.#targets = options.targets;
    this.#notices = options.notices;
    this.#answers = options.answers;
    this.#log = options.log;
  }

  /**
   * A stopped answer (TurnStopped) consists of the part that exists. Throws the error of work that the end of the
   * bridge interrupts, and the errors of the database and the homeserver.
   *
   * @param asking what was called so far; `show` receives the answer so far.
   */
  async respond(voice: Voice, turn: Turn, manner: Manner, asking: Asking): Promise<TurnReply | CallsWanted> {
    const { show, signal, steps, mayCall } = asking;
    const { words, call } = manner;
    const { encrypted } = manner.material;
    const soFar = new AnswerSoFar();
    try {
      const destination = await unlessAborted(this.#privacy.destinationOf(voice.provider, voice.model), signal);
      const may = await this.#privacy.check({ ghost: turn.ghost, roomId: turn.roomId, encrypted }, destination);
      if (may !== "yes")
        return await this.#consentQuestions.replyTo(turn, { destination, call, encrypted }, may, await words());
      const put = await this.#prompts.put({ turn, voice, destination, words }, manner.material, signal);
      if (typeof put === "string") return this.#notices.declined(turn, "prompt", put, await this.#targets.of(turn));
      const material = put;
      if (voice.agent.makes === "pictures")
        return await this.#pictures.draw(turn, voice, destination, material, signal);
      const offer = await unlessAborted(
        this.#tools.of({
          turn,
          voice,
          destination,
          encrypted,
          steps,
          holdsPrompt: holdsPromptIn(turn, material),
          words,
        }),
        signal,
      );
      const tools = { tools: definitionsOf(offer), rounds: roundsOf(steps), mayCall };
      const source = { material, direct: manner.direct };
      await this.#asker.ask(voice, turn, source, destination, { soFar, show, signal }, tools);
      return this.#tools.wanted(offer, soFar) ?? (await this.#answer(voice, turn, manner, soFar, steps));
    } catch (error) {
      if (signal.aborted) {
        const reply = await this.#ended(turn, manner, soFar, signal.reason);
        if (reply === undefined) throw error;
        return reply;
      }
      if (error instanceof UnreadableFile) {
        return this.#notices.failed(turn, error.why, await words(), await this.#targets.of(turn), call);
      }
      if (!(error instanceof ProviderError)) throw error;
      return await this.#failed(turn, manner, soFar, error);
    }
  }

  /** Makes a call ready; see {@link AnswerAttempt}. */
  async ready(
    voice: Voice,
    turn: Turn,
    { material, words }: Pick<Manner, "material" | "words">,
    step: OpenCall,
    { steps, signal, isAhead }: ReadyAsking,
  ): Promise<ReadyCall> {
    const destination = await unlessAborted(this.#privacy.destinationOf(voice.provider, voice.model), signal);
    const { encrypted } = material;
    const asker = { turn, voice, destination, encrypted, steps, holdsPrompt: holdsPromptIn(turn, material), words };
    return this.#tools.ready(asker, step, { signal, isAhead });
  }

  /** The model's words in their final form. Throws ProviderError where there are none. */
  async #answer(
    { provider }: Voice,
    turn: Turn,
    { material, words, note }: Manner,
    soFar: AnswerSoFar,
    steps: readonly TurnStep[],
  ): Promise<AnsweredReply> {
    const text = soFar.text.trim();
    if (text === "") throw new ProviderError("empty", "the answer holds no text");
    const target = await this.#targets.of(turn);
    const address = addressOf(turn, target, soFar.text, material.company);
    const limit = limitReached(steps);
    const below = [
      note,
      limit && (await words()).toolLimit[limit],
      soFar.end === undefined || soFar.end === "stop" ? undefined : (await words()).ended[soFar.end](provider.name),
    ];
    const said = below.filter((line) => line !== undefined).join(" ");
    const messages = await answerMessages(text, turn, target, address, said === "" ? undefined : said);
    return {
      outcome: "answered",
      messages: await this.#withCalls(this.#thoughtful(messages, soFar.thinking), steps, words),
      ...(soFar.usage === undefined ? {} : { usage: soFar.usage }),
    };
  }

  /** The answer with the model's thoughts above its beginning, where that is wanted. */
  #thoughtful(messages: readonly TurnMessage[], thinking: string): readonly TurnMessage[] {
    const [first, ...others] = messages;
    if (!this.#answers().thinking || thinking.trim() === "" || first === undefined) return messages;
    const content = withThinking(first.content, thinking);
    return isSmall(content) ? [{ ...first, content }, ...others] : messages;
  }

  /** The answer with the calls behind it above its beginning, where that is wanted. */
  async #withCalls(
    messages: readonly TurnMessage[],
    steps: readonly TurnStep[],
    words: Manner["words"],
  ): Promise<readonly TurnMessage[]> {
    const [first, ...others] = messages;
    const hasCalls = steps.some(({ askedOf }) => askedOf === "tool");
    if (!hasCalls || this.#answers().tools === "off" || first === undefined) return messages;
    const content = withCalls(first.content, steps, await words());
    return isSmall(content) ? [{ ...first, content }, ...others] : messages;
  }

  /** The reply for an answer that the signal has ended; undefined where the bridge itself stops. */
  async #ended(turn: Turn, { words }: Manner, soFar: AnswerSoFar, reason: unknown): Promise<TurnReply | undefined> {
    const said = soFar.text.trim();
    if (reason instanceof TurnStopped) return this.#stopped(turn, said, reason);
    if (!isTimeout(reason)) return undefined;
    const why = soFar.isBegun ? "ran_on" : "timeout";
    return { ...this.#notices.failed(turn, why, await words(), await this.#targets.of(turn)), partial: said };
  }

  /** The existing part of an answer that somebody has stopped. */
  async #stopped(turn: Turn, said: string, { keeps }: TurnStopped): Promise<StoppedReply> {
    if (!keeps) return { outcome: "stopped", messages: [], withdrawn: true };
    const target = await this.#targets.of(turn);
    const messages = said === "" ? [] : await answerMessages(said, turn, target, toAsker(turn, target.follows));
    return { outcome: "stopped", messages };
  }

  async #failed(turn: Turn, { words, call }: Manner, soFar: AnswerSoFar, error: ProviderError): Promise<FailedReply> {
    const target = await this.#targets.of(turn);
    this.#log.warn({ ghost: turn.ghost, room: turn.roomId, event: turn.eventId, error }, "no answer");
    const why = error.code === "timeout" && soFar.isBegun ? "fell_silent" : error.code;
    const failed = this.#notices.failed(turn, why, await words(), target, call);
    // An answer that has begun does not begin again.
    const isAway = AWAY.has(error.code) && soFar.text === "";
    return isAway ? { ...failed, retry: true } : { ...failed, partial: soFar.text.trim() };
  }
}

function isTimeout(reason: unknown): reason is DOMException {
  return reason instanceof DOMException && reason.name === "TimeoutError";
}
