import type { ChatMessage } from "../providers/provider.ts";
import type { PromptTooLong } from "../providers/prompt-too-long.ts";
import { estimateTokens, MESSAGE_OVERHEAD_TOKENS } from "../text/tokens.ts";
import { ContextWindows } from "./context-windows.ts";
import type { PromptMessage } from "./prompt.ts";
import { RefusedPictures } from "./refused-pictures.ts";
import { TokenCounter } from "./token-counter.ts";
import { keyOf, type Voice } from "./voices.ts";

/**
 * The knowledge gained by asking models: how each counts tokens, how much it takes at once, and which earlier pictures
 * it refuses. Forgotten with the process.
 */
export class ModelLimits {
  readonly #counter = new TokenCounter();
  readonly #windows = new ContextWindows();
  readonly #refusedPictures = new RefusedPictures();

  /** Counts a text's tokens like the model, as far as known. */
  counterOf(voice: Voice): (text: string) => number {
    return this.#counter.of(keyOf(voice));
  }

  /**
   * The window to plan with, in tokens.
   *
   * @param configuredTokens the window that the model runs with.
   */
  windowOf(voice: Voice, configuredTokens: number): number {
    return this.#windows.of(keyOf(voice), configuredTokens);
  }

  /**
   * Records a model's token count of a prompt. A prompt with pictures teaches nothing, because no estimate of text
   * knows their cost.
   */
  learnCount(voice: Voice, prompt: readonly ChatMessage[], promptTokens: number): void {
    if (hasPictures(prompt)) return;
    const estimated = prompt.reduce((sum, { content }) => sum + estimateTokens(content) + MESSAGE_OVERHEAD_TOKENS, 0);
    this.#counter.learn(keyOf(voice), estimated, promptTokens);
  }

  /**
   * Records that a model refused a prompt as too long. A prompt with pictures teaches nothing about the window.
   *
   * @param contextTokens the window that the prompt was planned for.
   */
  learnRefusal(voice: Voice, prompt: readonly ChatMessage[], contextTokens: number, refusal: PromptTooLong): void {
    if (hasPictures(prompt)) return;
    this.learnWindow(voice, contextTokens, refusal);
    if (refusal.promptTokens !== undefined) this.learnCount(voice, prompt, refusal.promptTokens);
  }

  /** Records the window of a model that refused a prompt of text alone, planned for `contextTokens`. */
  learnWindow(voice: Voice, contextTokens: number, refusal: PromptTooLong): void {
    this.#windows.refused(keyOf(voice), contextTokens, refusal.limitTokens);
  }

  /** Whether a model's server has refused a question because of this earlier message's picture. */
  refusesPictureOf(voice: Voice, message: PromptMessage): boolean {
    return this.#refusedPictures.has(keyOf(voice), message);
  }

  /** Records that a model's server answered only without an earlier message's picture. */
  learnPictureRefused(voice: Voice, message: PromptMessage): void {
    this.#refusedPictures.add(keyOf(voice), message);
  }
}

function hasPictures(prompt: readonly ChatMessage[]): boolean {
  return prompt.some(({ images = [] }) => images.length > 0);
}
