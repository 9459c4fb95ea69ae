/** Admits a number of holders at once, the others in order of arrival. */
export class Semaphore {
  readonly #onFull: () => void;
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /**
   * @param size the most holders at once.
   * @param onFull called when a caller must wait: a chance to free a place.
   */
  constructor(size: number, onFull: () => void = () => undefined) {
    this.#free = size;
    this.#onFull = onFull;
  }

  /** Resolves when there is room, with a function that frees it; calling that again does nothing. */
  async acquire(): Promise<() => void> {
    if (this.#free > 0) this.#free--;
    else {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
        this.#onFull();
      });
    }
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    };
  }

  /** Runs `work` when there is room. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const release = await this.acquire();
    try {
      return await work();
    } finally {
      release();
    }
  }

  /** The number of waiting callers. */
  get waiting(): number {
    return this.#waiting.length;
  }
}
