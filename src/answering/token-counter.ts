import { estimateTokens } from "../text/tokens.ts";

/** Shorter prompts say little of how a model counts, in tokens. */
const SHORTEST_SAMPLE = 200;

/** A server that counts less than this share has kept most of the prompt from the last time, and counts only the rest. */
const LEAST_SHARE = 0.35;

/** The next text may be another language, or code. */
const MARGIN = 1.1;

/** base64, hex, formulas and rare scripts have up to twice as many as estimated. */
const MOST_SHARE = 4;

/** How much a sample that is below what was counted before moves it. */
const WEIGHT = 0.1;

/**
 * Counts tokens as the model in use does. No server tells beforehand, so a careful estimate is corrected by what each model
 * counted of the prompts it was given: upwards at once, for too many tokens lose the beginning of the prompt unseen, and
 * downwards bit by bit.
 */
export class TokenCounter {
  readonly #shares = new Map<string, number>();

  /** How a model counts, as far as is known. */
  of(model: string): (text: string) => number {
    const share = this.#shares.get(model) ?? 1;
    return (text) => Math.ceil(estimateTokens(text) * share);
  }

  /**
   * Notes what a model counted of a prompt.
   *
   * @param estimated by {@link estimateTokens}.
   */
  learn(model: string, estimated: number, counted: number): void {
    if (estimated < SHORTEST_SAMPLE || counted < estimated * LEAST_SHARE) return;
    const sample = Math.min(MOST_SHARE, (counted / estimated) * MARGIN);
    const before = this.#shares.get(model) ?? 1;
    this.#shares.set(model, Math.max(sample, before * (1 - WEIGHT) + sample * WEIGHT));
  }
}
