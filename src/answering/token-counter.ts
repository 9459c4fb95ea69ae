import { estimateTokens } from "../text/tokens.ts";

/** Shorter prompts say little about a model's counting, in tokens. */
const SHORTEST_SAMPLE = 200;

/** A server that counts less than this share has cached most of the prompt, and counts only the rest. */
const LEAST_SHARE = 0.35;

/** The next text may be in another language, or code. */
const MARGIN = 1.1;

/** base64, hex, formulas and rare scripts have up to twice as many tokens as estimated. */
const MOST_SHARE = 4;

/** The weight of a sample below the present count. */
const WEIGHT = 0.1;

/**
 * Counts tokens like the model in use. No server tells the count beforehand, so each model's counts of its prompts
 * correct a careful estimate: upwards at once, because too many tokens silently lose the beginning of the prompt, and
 * downwards slowly.
 */
export class TokenCounter {
  readonly #shares = new Map<string, number>();

  /** Counts a text's tokens like the model, as far as known. */
  of(model: string): (text: string) => number {
    const share = this.#shares.get(model) ?? 1;
    return (text) => Math.ceil(estimateTokens(text) * share);
  }

  /**
   * Records a model's count of a prompt.
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
