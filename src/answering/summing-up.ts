import type { Summaries, Summariser } from "../memory/summaries.ts";
import type { PrivacyGate, Whose } from "../privacy/gate.ts";
import { DEMO_MODEL } from "../providers/demo.ts";
import { PromptTooLong } from "../providers/prompt-too-long.ts";
import { ProviderError, type ChatMessage } from "../providers/provider.ts";
import type { RoomDefaults } from "../rooms/settings.ts";
import { holdsPrompt, summaryWithPrompt } from "../tools/server-prompt.ts";
import { usersOf, type Allowances } from "../turns/allowances.ts";
import type { Turn } from "../turns/turn.ts";
import { AnswerSoFar } from "./answer-so-far.ts";
import type { Material } from "./material.ts";
import { sizeOf } from "./model-asker.ts";
import type { ModelLimits } from "./model-limits.ts";
import { answerReserve } from "./prompt.ts";
import type { Voice, Voices } from "./voices.ts";

/** Has too long conversations summarised, by their agent's model. */
export class SummingUp {
  readonly #voices: Voices;
  readonly #limits: ModelLimits;
  readonly #summaries: Summaries;
  readonly #allowances: Allowances;
  readonly #privacy: PrivacyGate;
  readonly #defaults: () => Pick<RoomDefaults, "summaries">;
  readonly #read = new WeakMap<Turn, { readonly voice: Voice } & Pick<Material, "latest">>();

  /** @param options.defaults the values of rooms that set nothing; read anew each time. */
  constructor(options: {
    readonly voices: Voices;
    readonly limits: ModelLimits;
    readonly summaries: Summaries;
    readonly allowances: Allowances;
    readonly privacy: PrivacyGate;
    readonly defaults: () => Pick<RoomDefaults, "summaries">;
  }) {
    this.#voices = options.voices;
    this.#limits = options.limits;
    this.#summaries = options.summaries;
    this.#allowances = options.allowances;
    this.#privacy = options.privacy;
    this.#defaults = options.defaults;
  }

  /** Keeps what was read for a turn's answer until the turn has ended. */
  note(turn: Turn, voice: Voice, { latest }: Pick<Material, "latest">): void {
    this.#read.set(turn, { voice, latest });
  }

  /**
   * Starts to summarise the conversation of a turn, where that is wanted and it is long enough.
   *
   * @param answerTokens the length of the turn's answer.
   */
  async after(turn: Turn, answerTokens: number): Promise<void> {
    const read = this.#read.get(turn);
    const voice = read?.voice ?? (await this.#voices.of(turn));
    if (voice === undefined || !this.#voices.isFor(voice, turn)) return;
    const { agent, model, set } = voice;
    const { summaries = this.#defaults().summaries } = set;
    if (summaries !== "on" || model === DEMO_MODEL || agent.makes !== "text") return;
    const contextTokens = this.#limits.windowOf(voice, await this.#voices.contextOf(voice));
    const known = read && { messages: read.latest, answerTokens };
    this.#summaries.keepUp(turn, this.#summariser(turn, voice, contextTokens), known);
  }

  #summariser({ ghost, roomId }: Turn, voice: Voice, contextTokens: number): Summariser {
    return {
      budgetTokens: contextTokens - answerReserve(contextTokens),
      countTokens: this.#limits.counterOf(voice),
      take: async (asker) => (await this.#allowances.takeNow(usersOf({ asker, roomId, ghost }))) === undefined,
      spend: (asker, tokens) => this.#allowances.spend(usersOf({ asker, roomId, ghost }), tokens),
      ask: async (messages, { encrypted }, signal) => {
        const text = await this.#ask(voice, { ghost, roomId, encrypted }, { messages, contextTokens }, signal);
        return messages.some(({ content }) => holdsPrompt(content)) ? summaryWithPrompt(text) : text;
      },
    };
  }

  /** The model's summary. Throws ProviderError. */
  async #ask(
    voice: Voice,
    whose: Whose,
    { messages, contextTokens }: { readonly messages: readonly ChatMessage[]; readonly contextTokens: number },
    signal: AbortSignal,
  ): Promise<string> {
    const { agent, provider, model } = voice;
    const { ghost, roomId } = whose;
    const destination = await this.#privacy.destinationOf(provider, model);
    if ((await this.#privacy.check(whose, destination)) !== "yes") {
      throw new ProviderError("refused", "nothing of this room may go to the provider any more");
    }
    await this.#privacy.note({ ghost, roomId, ...destination, model, kind: "summary", bytes: sizeOf(messages) });
    const soFar = new AnswerSoFar();
    const maxAnswerTokens = answerReserve(contextTokens);
    const kept = agent.keepAlive === undefined ? {} : { keepAlive: agent.keepAlive };
    try {
      for await (const chunk of provider.chat({ model, messages, contextTokens, maxAnswerTokens, ...kept, signal })) {
        soFar.add(chunk);
      }
    } catch (error) {
      if (error instanceof PromptTooLong) this.#limits.learnWindow(voice, contextTokens, error);
      throw error;
    }
    if (soFar.text.trim() === "") throw new ProviderError("empty", "the summary holds no text");
    return soFar.text;
  }
}
