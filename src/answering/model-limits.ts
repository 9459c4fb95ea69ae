import type { ChatMessage } from "../providers/provider.ts";
import type { PromptTooLong } from "../providers/prompt-too-long.ts";
import { estimateTokens, MESSAGE_OVERHEAD_TOKENS } from "../text/tokens.ts";
import { ContextWindows } from "./context-windows.ts";
import type { PromptMessage } from "./prompt.ts";
import { RefusedPictures } from "./refused-pictures.ts";
import { TokenCounter } from "./token-counter.ts";
import { keyOf, type Voice } from "./voices.ts";

/**
 * What is learnt about models by asking them: how each counts tokens, how much it takes at once, and which former pictures it
 * refuses. Forgotten with the process.
 */
export class ModelLimits {
  readonly #counter = new TokenCounter();
  readonly #windows = new ContextWindows();
  readonly #refusedPictures = new RefusedPictures();

  /** How a model counts the tokens of a text, as far as is known. */
  counterOf(voice: Voice): (text: string) => number {
    return this.#counter.of(keyOf(voice));
  }

  /**
   * The window to plan with, in tokens.
   *
   * @param configuredTokens the window that the model is run with.
   */
  windowOf(voice: Voice, configuredTokens: number): number {
    return this.#windows.of(keyOf(voice), configuredTokens);
  }

  /** Notes how many tokens a model counted of a prompt. A prompt with pictures teaches nothing: no estimate of text knows what they cost. */
  learnCount(voice: Voice, prompt: readonly ChatMessage[], promptTokens: number): void {
    if (hasPictures(prompt)) return;
    const estimated = prompt.reduce((sum, { content }) => sum + estimateTokens(content) + MESSAGE_OVERHEAD_TOKENS, 0);
    this.#counter.learn(keyOf(voice), estimated, promptTokens);
  }

  /**
   * Notes that a model refused a prompt as too long. A prompt with pictures teaches nothing of the window.
   *
   * @param contextTokens the window that the prompt was planned for.
   */
  learnRefusal(voice: Voice, prompt: readonly ChatMessage[], contextTokens: number, refusal: PromptTooLong): void {
    if (hasPictures(prompt)) return;
    this.learnWindow(voice, contextTokens, refusal);
    if (refusal.promptTokens !== undefined) this.learnCount(voice, prompt, refusal.promptTokens);
  }

  /** Notes the window of a model that refused a prompt of words alone, planned for a window of `contextTokens`. */
  learnWindow(voice: Voice, contextTokens: number, refusal: PromptTooLong): void {
    this.#windows.refused(keyOf(voice), contextTokens, refusal.limitTokens);
  }

  /** Whether a model's server has refused a question because of this former message's picture. */
  refusesPictureOf(voice: Voice, message: PromptMessage): boolean {
    return this.#refusedPictures.has(keyOf(voice), message);
  }

  /** Notes that a model's server answered only without the picture of a former message. */
  learnPictureRefused(voice: Voice, message: PromptMessage): void {
    this.#refusedPictures.add(keyOf(voice), message);
  }
}

function hasPictures(prompt: readonly ChatMessage[]): boolean {
  return prompt.some(({ images = [] }) => images.length > 0);
}
