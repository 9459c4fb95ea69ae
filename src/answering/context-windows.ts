/** No window is taken for smaller, in tokens: some words fit into each. */
const LEAST_TOKENS = 512;

/** Nor is a smaller one concluded where none is named, in tokens: all the room's questions are planned with it. */
const LEAST_CONCLUDED_TOKENS = 1_024;

/** Where a server refuses a prompt and names no window that is smaller than the one in use, so much of it is used for a while. */
export const LESS = 0.7;

/** How long what was not named, but concluded, holds, in ms. */
const CONCLUDED_MS = 600_000;

/** The windows that models really have, learnt from refusals of prompts that were too long; forgotten with the process. */
export class ContextWindows {
  readonly #learnt = new Map<string, { readonly tokens: number; readonly until: number }>();

  /** The window to plan with, in tokens. */
  of(model: string, configuredTokens: number): number {
    const learnt = this.#learnt.get(model);
    if (learnt === undefined || performance.now() >= learnt.until) return configuredTokens;
    return Math.min(configuredTokens, learnt.tokens);
  }

  /**
   * Notes that a prompt of words alone was refused.
   *
   * @param usedTokens the window that it was planned for.
   * @param limitTokens the window that the server names, if it does. Where that is no smaller, not the window was wrong, but how
   * the prompt was counted: the caller corrects that, where the server has counted.
   */
  refused(model: string, usedTokens: number, limitTokens: number | undefined): void {
    if (limitTokens !== undefined && limitTokens < usedTokens) {
      this.#learnt.set(model, { tokens: Math.max(LEAST_TOKENS, limitTokens), until: Infinity });
      return;
    }
    const tokens = Math.max(Math.min(LEAST_CONCLUDED_TOKENS, usedTokens), Math.floor(usedTokens * LESS));
    this.#learnt.set(model, { tokens, until: performance.now() + CONCLUDED_MS });
  }
}
