/** The smallest window that is assumed, in tokens: every window holds a few words. */
const LEAST_TOKENS = 512;

/**
 * The smallest window that is concluded when none is named, in tokens: all questions of the room are planned with it.
 */
const LEAST_CONCLUDED_TOKENS = 1_024;

/**
 * The share of the present window that is used for a while after a server refused a prompt without naming a smaller
 * window.
 */
export const LESS = 0.7;

/** The time for which a concluded window is used, in ms. */
const CONCLUDED_MS = 600_000;

/** The real windows of models, learnt from refusals of too long prompts; forgotten with the process. */
export class ContextWindows {
  readonly #learnt = new Map<string, { readonly tokens: number; readonly until: number }>();

  /** The window to plan with, in tokens. */
  of(model: string, configuredTokens: number): number {
    const learnt = this.#learnt.get(model);
    if (learnt === undefined || performance.now() >= learnt.until) return configuredTokens;
    return Math.min(configuredTokens, learnt.tokens);
  }

  /**
   * Records that a prompt of text alone was refused.
   *
   * @param usedTokens the window that it was planned for.
   * @param limitTokens the window that the server names, if any. If that is not smaller, the count of the prompt was
   * wrong instead of the window: the caller corrects that when the server has counted.
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
