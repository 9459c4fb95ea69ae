import type { Logger } from "../observability/log.ts";
import { reached } from "../observability/steps.ts";
import type { Destination, PrivacyGate } from "../privacy/gate.ts";
import { PromptTooLong } from "../providers/prompt-too-long.ts";
import { ProviderError, type ChatMessage } from "../providers/provider.ts";
import type { ToolDefinition, ToolRound } from "../providers/tool-call.ts";
import { MESSAGE_OVERHEAD_TOKENS } from "../text/tokens.ts";
import type { Turn } from "../turns/turn.ts";
import type { AnswerSoFar } from "./answer-so-far.ts";
import type { ModelLimits } from "./model-limits.ts";
import type { ModelPrompt, ModelPrompts, Plan, PromptSource } from "./model-prompt.ts";
import { answerReserve } from "./prompt.ts";
import type { Voice } from "./voices.ts";

/** The tokens that a chat template may add to a prompt. */
const TEMPLATE_TOKENS = 256;

/** The tools of a question, and what was called before. */
export interface ToolsAsked {
  readonly tools: readonly ToolDefinition[];
  readonly rounds: readonly ToolRound[];
  readonly mayCall: boolean;
}

/** A question without tools. */
const WITHOUT_TOOLS: ToolsAsked = { tools: [], rounds: [], mayCall: false };

/** The receiver of a model's words. */
export interface Listening {
  readonly soFar: AnswerSoFar;
  /** Receives the answer so far. */
  readonly show: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Asks models, and receives their answers. */
export class ModelAsker {
  readonly #prompts: ModelPrompts;
  readonly #limits: ModelLimits;
  readonly #privacy: Pick<PrivacyGate, "note">;
  readonly #log: Logger;

  constructor(options: {
    readonly prompts: ModelPrompts;
    readonly limits: ModelLimits;
    readonly privacy: Pick<PrivacyGate, "note">;
    readonly log: Logger;
  }) {
    this.#prompts = options.prompts;
    this.#limits = options.limits;
    this.#privacy = options.privacy;
    this.#log = options.log;
  }

  /**
   * Asks the model of a turn. A model that refuses the prompt before it says anything is asked again with less: a shorter
   * prompt, no old pictures, no tools. Throws ProviderError, UnreadableFile for the question's own file, and the signal's reason.
   *
   * @param destination the recipient of the words, recorded before they are sent.
   */
  async ask(
    voice: Voice,
    turn: Turn,
    source: PromptSource,
    destination: Destination,
    listening: Listening,
    tools: ToolsAsked = WITHOUT_TOOLS,
  ): Promise<void> {
    const { ghost, roomId } = turn;
    const { model } = voice;
    let plan: Plan | undefined = { withoutOldPictures: false, isShorter: false, withoutTools: false };
    while (plan !== undefined) {
      const told: ToolsAsked = plan.withoutTools ? WITHOUT_TOOLS : tools;
      const prompt = await this.#prompts.of(voice, turn, { ...source, ...told }, plan, listening.signal);
      const bytes = sizeOf(prompt.messages) + sizeOfTools(told);
      await this.#privacy.note({ ghost, roomId, ...destination, model, kind: "chat", bytes });
      plan = await this.#hear(voice, turn, { ...prompt, ...told }, plan, listening);
    }
  }

  /** Resolves with a plan for asking again when the model refused something that can be left out. */
  async #hear(
    voice: Voice,
    turn: Turn,
    prompt: ModelPrompt & ToolsAsked,
    plan: Plan,
    { soFar, show, signal }: Listening,
  ): Promise<Plan | undefined> {
    const { agent, by, provider, model, set } = voice;
    const { messages, contextTokens, tools, rounds, mayCall } = prompt;
    const temperature = set.temperature ?? agent.temperature;
    try {
      for await (const chunk of provider.chat({
        model,
        messages,
        contextTokens,
        maxAnswerTokens: spaceForAnswer(prompt),
        asker: turn.asker,
        ...(temperature === undefined ? {} : { temperature }),
        ...(by.effort === undefined ? {} : { effort: by.effort }),
        ...(by.keepAlive === undefined ? {} : { keepAlive: by.keepAlive }),
        ...(tools.length === 0 ? {} : { tools }),
        ...(tools.length === 0 || mayCall ? {} : { toolChoice: "none" as const }),
        ...(rounds.length === 0 ? {} : { rounds }),
        signal,
      })) {
        if (soFar.add(chunk)) show(soFar.text);
        reached("model.chunk");
      }
    } catch (error) {
      if (soFar.text !== "" || signal.aborted || !(error instanceof ProviderError)) throw error;
      const next = this.#withLess(voice, prompt, plan, error);
      if (next === undefined) throw error;
      const ids = { ghost: turn.ghost, room: turn.roomId, event: turn.eventId };
      this.#log.info({ ...ids, error }, "the model is asked again with a shorter prompt");
      return next;
    }
    // With tools, the count is not of the messages alone.
    if (soFar.usage !== undefined && tools.length === 0)
      this.#limits.learnCount(voice, messages, soFar.usage.promptTokens);
    for (const message of prompt.leftOut) this.#limits.learnPictureRefused(voice, message);
    return undefined;
  }

  /** The plan for asking again after a refusal; undefined where a shorter prompt would not help. */
  #withLess(voice: Voice, prompt: ModelPrompt & ToolsAsked, plan: Plan, error: ProviderError): Plan | undefined {
    if (error instanceof PromptTooLong) {
      this.#limits.learnRefusal(voice, prompt.messages, prompt.contextTokens, error);
      return plan.isShorter ? undefined : { ...plan, withoutOldPictures: true, isShorter: true };
    }
    if (error.code !== "refused") return undefined;
    // A server may find fault with one of them; with results there is no way back.
    if (prompt.tools.length > 0 && prompt.rounds.length === 0) return { ...plan, withoutTools: true };
    return prompt.oldPictures.length === 0 || plan.withoutOldPictures
      ? undefined
      : { ...plan, withoutOldPictures: true };
  }
}

/** The tokens of its window that a model may use for the answer. */
function spaceForAnswer({ messages, contextTokens, estimateTokens, toolTokens }: ModelPrompt): number {
  const used =
    toolTokens + messages.reduce((sum, { content }) => sum + estimateTokens(content) + MESSAGE_OVERHEAD_TOKENS, 0);
  return Math.max(answerReserve(contextTokens), contextTokens - used - TEMPLATE_TOKENS);
}

/** The size of tools, calls and results in a prompt, in bytes. */
function sizeOfTools({ tools, rounds }: ToolsAsked): number {
  return tools.length + rounds.length === 0 ? 0 : Buffer.byteLength(JSON.stringify([tools, rounds]));
}

/** The size of a prompt, in bytes. */
export function sizeOf(messages: readonly ChatMessage[]): number {
  return messages.reduce(
    (sum, { content, images = [] }) =>
      sum + Buffer.byteLength(content) + images.reduce((all, image) => all + image.byteLength, 0),
    0,
  );
}
