/** The pauses between two searches, in ms. */
export interface Pace {
  readonly shortestMs: number;
  readonly longestMs: number;
}

/** The surroundings of the searches. */
export interface PacedSearchParts {
  /** Searches; resolves with the number of events found. It tells of its failures itself. */
  readonly find: () => Promise<number>;
  /** Waits; throws when the bridge stops. */
  readonly pause: (ms: number) => Promise<void>;
}

/**
 * Searches one at a time, however often they are wanted. The pause after one doubles each time that nothing is found: what makes
 * somebody want it may be usual for this homeserver. One that fails is made again after its pause: what it was to find is still
 * to be found.
 */
export class PacedSearch {
  readonly #parts: PacedSearchParts;
  readonly #pace: Pace;
  /** The pause after the next search, in ms. */
  #waitMs: number;
  #isWanted = false;
  #running: Promise<void> | undefined;

  constructor(parts: PacedSearchParts, pace: Pace) {
    this.#parts = parts;
    this.#pace = pace;
    this.#waitMs = pace.shortestMs;
  }

  /** Searches soon; resolves once nobody wants it any more. Throws like the pause. */
  want(): Promise<void> {
    this.#isWanted = true;
    this.#running ??= this.#search().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #search(): Promise<void> {
    const { shortestMs, longestMs } = this.#pace;
    while (this.#isWanted) {
      this.#isWanted = false;
      const found = await this.#parts.find().catch(() => {
        this.#isWanted = true;
        return 0;
      });
      if (found > 0) this.#waitMs = shortestMs;
      await this.#parts.pause(this.#waitMs);
      if (found === 0) this.#waitMs = Math.min(2 * this.#waitMs, longestMs);
    }
  }
}
